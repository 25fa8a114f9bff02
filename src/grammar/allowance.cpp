#include "grammar/allowance.h"

#include <algorithm>

#include "base/error.h"
#include "grammar/vocabulary.h"

namespace nestor::grammar {
namespace {

// Walking the whole vocabulary makes the mask of one place in a string. Every token may need a new one; where
// a value may be of several kinds, or hundreds of names may come, people's schemas take up to two and a half
// more.
constexpr std::uint64_t kWalksAtOnce = 6;
constexpr std::uint64_t kWalksPerToken = 1;
// And what is behind strings: states of a grammar where many values are admitted.
constexpr std::uint64_t kEntriesAtOnce = 100'000;
constexpr std::uint64_t kEntriesPerToken = 10'000;

}  // namespace

Allowance::Allowance(const Vocabulary& vocabulary, std::int64_t answers)
    : most_(kWalksAtOnce * vocabulary.nodes().size() + kEntriesAtOnce * kEntry),
      per_token_(kWalksPerToken * vocabulary.nodes().size() + kEntriesPerToken * kEntry),
      share_(kMostBytes / 2 / static_cast<std::size_t>(answers)) {}

Allowance::Allowance()
    : most_(kEntriesAtOnce * kEntry), per_token_(kEntriesPerToken * kEntry), share_(kMostBytes / 2) {}

void Allowance::refill() { left_ = std::min(most_, left_ + per_token_); }

void Allowance::take_bytes(std::size_t bytes) {
  if (bytes_ + bytes > kMostBytes) {
    fail(ErrorKind::limit,
         "the form of the answer can go on in too many ways: its states need more than {} MiB of memory; "
         "give it "
         "fewer alternatives or fewer limits on how many items there are",
         kMostBytes >> 20);
  }
  bytes_ += bytes;
  most_bytes_ = std::max(most_bytes_, bytes_);
}

void Allowance::refuse_work() const {
  fail(ErrorKind::limit,
       "the form of the answer can go on in too many ways: finding the tokens that may come next takes more "
       "than {} steps at once and {} for each token; give it fewer alternatives",
       most_, per_token_);
}

}  // namespace nestor::grammar
