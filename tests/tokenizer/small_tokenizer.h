// A byte-level tokenizer for tests: the whole byte alphabet, a few merges, and what a test adds.
#pragma once

#include <string>

#include "base/json.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace nestor::tokenizer {

/// Ids 0..255 are the bytes; then come the merged tokens; added tokens follow in order. GPT-2's pattern.
class SmallTokenizer {
 public:
  SmallTokenizer() {
    json_ = parse_json(R"({"added_tokens": [], "normalizer": null, "post_processor": null,
      "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
      "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
      "model": {"type": "BPE", "vocab": {}, "merges": []}})",
                       "small");
    for (int b = 0; b < 256; ++b) {
      std::string character;
      append_in_byte_alphabet(character, std::string(1, static_cast<char>(b)));
      json_["model"]["vocab"][character] = next_++;
    }
  }

  SmallTokenizer& merge(const std::string& left, const std::string& right) {
    json_["model"]["merges"].push_back(Json::array({left, right}));
    auto& vocab = json_["model"]["vocab"];
    if (!vocab.contains(left + right)) vocab[left + right] = next_++;
    return *this;
  }

  /// `flags`: names of the flags that are true.
  SmallTokenizer& add(const std::string& content, std::initializer_list<const char*> flags) {
    Json token = {{"id", next_++}, {"content", content}};
    for (const auto* flag : {"single_word", "lstrip", "rstrip", "normalized", "special"}) token[flag] = false;
    for (const auto* flag : flags) token[flag] = true;
    json_["added_tokens"].push_back(token);
    return *this;
  }

  SmallTokenizer& set(const std::string& pointer, const std::string& json) {
    json_[Json::json_pointer(pointer)] = parse_json(json, "a test's option");
    return *this;
  }

  Tokenizer build() const { return Tokenizer::parse(to_text(json_), "small"); }

 private:
  Json json_;
  TokenId next_ = 0;
};

}  // namespace nestor::tokenizer
