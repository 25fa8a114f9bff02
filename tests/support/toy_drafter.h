// A drafter that knows the text that comes, and is right as often as it is told to be.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "decode/drafter.h"
#include "decode/turn.h"

namespace nestor::testing {

struct ToyDrafts {
  std::uint64_t key = 0;     // all else is drawn from it
  double right = 1;          // how often a draft is what comes
  std::int64_t longest = 4;  // drafts at a time; how many, is drawn too
};

class ToyDrafter : public decode::Drafter {
 public:
  /// `text` with its prompt.
  ToyDrafter(std::vector<TokenId> text, std::int64_t vocab_size, const ToyDrafts& drafts)
      : text_(std::move(text)), vocab_size_(vocab_size), drafts_(drafts) {}

  std::int64_t wanted(const decode::Turn& turn) noexcept override {
    return static_cast<std::int64_t>(draw(turn.history().size(), 1) *
                                     static_cast<double>(drafts_.longest + 1));
  }
  void draft(std::span<const decode::DraftJob> jobs) override {
    for (const decode::DraftJob& job : jobs) {
      const std::size_t length = job.turn->history().size();
      const std::size_t count = job.most - (draw(length, 2) < 0.1 ? 1 : 0);  // a shorter one
      for (std::size_t i = 0; i < count; ++i) job.ids->push_back(at(length + i));
      drafted += static_cast<std::int64_t>(count);
    }
  }

  std::int64_t drafted = 0;

 private:
  double draw(std::size_t position, std::uint64_t what) const { return uniform(drafts_.key, position, what); }
  /// Behind the text there is something else, and in between what no model knows.
  TokenId at(std::size_t position) const {
    const auto some = static_cast<TokenId>(draw(position, 3) * static_cast<double>(vocab_size_ + 2)) - 1;
    if (position >= text_.size()) return some;
    if (draw(position, 4) < drafts_.right) return text_[position];
    return some == text_[position] ? -1 : some;
  }

  std::vector<TokenId> text_;
  std::int64_t vocab_size_;
  ToyDrafts drafts_;
};

/// The text of a finished turn, with the stop token that ended it.
inline std::vector<TokenId> text_of(const decode::Turn& turn) {
  std::vector<TokenId> text(turn.history().begin(), turn.history().end());
  if (turn.stop_token()) text.push_back(*turn.stop_token());
  return text;
}

}  // namespace nestor::testing
