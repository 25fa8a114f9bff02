// Any bytes as a tokenizer.json, then a text through it if it loads; or any bytes as text through a tokenizer
// whose added tokens have every flag. Only nestor::Error may come out.
//
// Input: the first byte chooses (odd: a file, even: a text); for a file the second is the length of the text
// that follows it, then come text and file.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

namespace {

using namespace nestor::tokenizer;

constexpr std::string_view kTokenizer = R"({
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 9, "content": "<a>", "single_word": false, "lstrip": true, "rstrip": true, "normalized": false, "special": true},
    {"id": 10, "content": "<a>b", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": true},
    {"id": 11, "content": " ", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": false},
    {"id": 12, "content": "X", "single_word": true, "lstrip": false, "rstrip": true, "normalized": true, "special": true}],
  "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"},
    {"type": "Replace", "pattern": {"Regex": "-+"}, "content": ""}]},
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": "\\s+(?!\\S)|\\p{L}+|\\b"}, "behavior": "MergedWithNext", "invert": true},
    {"type": "Punctuation", "behavior": "MergedWithPrevious"},
    {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
    {"type": "Digits", "individual_digits": false}]},
  "post_processor": null,
  "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
  "model": {"type": "BPE", "dropout": null, "unk_token": "a", "fuse_unk": true, "ignore_merges": true,
    "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ã": 4, "©": 5, "Ã©": 6, "ĠĠ": 7, "aa": 8},
    "merges": ["a b", "Ã ©", "Ġ Ġ", "a a"]}})";

// Everything that decode() and the stream decoder promise about the ids of a text.
void check_ids(const Tokenizer& tokenizer, const std::vector<nestor::TokenId>& ids) {
  const std::string whole = tokenizer.decode(ids, ControlText::keep);
  StreamDecoder stream(tokenizer, ControlText::keep);
  std::string pieces;
  for (const nestor::TokenId id : ids) {
    if (!tokenizer.content_of(id)) std::abort();
    pieces += stream.push(id);
  }
  if (pieces + stream.finish() != whole || !nestor::is_valid_utf8(whole)) std::abort();
}

void encode_in_all_ways(const Tokenizer& tokenizer, const std::string& text) {
  const auto encode = [&](const ControlTokens& control) {
    return tokenizer.encode(text, PostProcess::add, control);
  };
  check_ids(tokenizer, encode(ControlTokens::nowhere()));
  const auto everywhere = encode(ControlTokens::everywhere());
  check_ids(tokenizer, everywhere);
  if (encode(ControlTokens::within({{0, text.size()}})) != everywhere) std::abort();
  check_ids(tokenizer, encode(ControlTokens::within({{text.size() / 3, text.size() / 2}})));
}

void run(std::string_view input) {
  constexpr std::size_t kMaxText = 255;
  if (input.empty()) return;
  const bool is_file = (input.front() & 1) != 0;
  input.remove_prefix(1);
  if (!is_file) {
    static const Tokenizer tokenizer = Tokenizer::parse(kTokenizer, "fixed");
    encode_in_all_ways(tokenizer, nestor::sanitized_utf8(input.substr(0, kMaxText)));
    return;
  }
  if (input.empty()) return;
  const std::size_t length =
      std::min<std::size_t>(static_cast<unsigned char>(input.front()), input.size() - 1);
  input.remove_prefix(1);
  const std::string text = nestor::sanitized_utf8(input.substr(0, length));
  encode_in_all_ways(Tokenizer::parse(input.substr(length), "fuzz"), text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    run(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const nestor::Error&) {
  }
  return 0;
}
