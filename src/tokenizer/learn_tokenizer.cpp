#include "tokenizer/learn_tokenizer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/longcat_family.h"

namespace nestor::tokenizer {
namespace {

constexpr std::int64_t kAllBytes = 256;

std::vector<std::string> join_control_tokens(const std::vector<std::string>& more) {
  std::vector<std::string> all = longcat_control_tokens();
  for (const std::string& token : more) {
    if (token.empty() || !is_valid_utf8(token)) {
      fail(ErrorKind::usage, "expected a control token of valid UTF-8, found {}", in_quotes(token));
    }
    if (std::ranges::find(all, token) != all.end()) {
      fail(ErrorKind::usage, "the control token {} is there already", in_quotes(token));
    }
    // Such a name is that of an ordinary byte in the vocabulary.
    if (const auto bytes = from_byte_alphabet(token); bytes && bytes->size() == 1) {
      fail(ErrorKind::usage,
           "the control token {} is a single character, which text holds; take a longer one",
           in_quotes(token));
    }
    all.push_back(token);
  }
  return all;
}

/// A permutation of 0..count-1 (Fisher and Yates); the identity without a seed.
std::vector<std::size_t> id_order(std::size_t count, std::optional<std::uint64_t> seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!seed) return order;
  for (std::size_t left = count; left > 1; --left) {
    const auto at = static_cast<std::size_t>(uniform(*seed, left, 0) * static_cast<double>(left));
    std::swap(order[at], order[left - 1]);
  }
  return order;
}

}  // namespace

TokenizerLearner::TokenizerLearner(LearnOptions options)
    : options_(std::move(options)),
      control_tokens_(join_control_tokens(options_.more_control_tokens)),
      pieces_(longcat_pre_tokenizer()) {
  const std::int64_t least = static_cast<std::int64_t>(control_tokens_.size()) + kAllBytes;
  if (options_.vocab_size < least || options_.vocab_size > kMaxVocabSize) {
    fail(ErrorKind::usage, "a vocabulary of {} tokens; expected {} ({} control tokens and {} bytes) to {}",
         options_.vocab_size, least, control_tokens_.size(), kAllBytes, kMaxVocabSize);
  }
  if (options_.min_count < 1) {
    fail(ErrorKind::usage, "a minimum count of {}; expected 1 or more", options_.min_count);
  }
}

void TokenizerLearner::add(std::string_view document) {
  pieces_.add(document);
  text_bytes_ += static_cast<std::int64_t>(document.size());
}

LearnedTokenizer TokenizerLearner::learn(ProgressSink& progress, const std::stop_token& stop) {
  BpeGoal goal;
  goal.tokens = static_cast<std::size_t>(options_.vocab_size) - control_tokens_.size();
  goal.min_count = options_.min_count;
  for (const std::string& token : control_tokens_) {
    if (auto bytes = from_byte_alphabet(token)) goal.reserved.insert(std::move(*bytes));
  }
  const LearnedBpe bpe = learn_bpe(pieces_.take(), goal, progress, stop);
  if (bpe.tokens.size() < goal.tokens) {
    fail(ErrorKind::bad_input,
         "the text yields a vocabulary of {} tokens, not of {}: no further pair stands in it {} times; give "
         "more text or ask for at most {} tokens",
         bpe.tokens.size() + control_tokens_.size(), options_.vocab_size, options_.min_count,
         bpe.tokens.size() + control_tokens_.size());
  }
  const std::vector<std::size_t> order = id_order(bpe.tokens.size(), options_.id_seed);
  return {to_text(longcat_tokenizer_json(control_tokens_, bpe, order), 1) + "\n",
          std::exchange(text_bytes_, 0), bpe.text_tokens};
}

}  // namespace nestor::tokenizer
