#include "decode/step.h"

#include <algorithm>

namespace nestor::decode {

void Step::clear() {
  batch_.clear();
  used_ = 0;
}

std::int64_t Step::add(Turn& turn, lm::Sequence& sequence, std::int64_t most_rows) {
  if (used_ == parts_.size()) parts_.emplace_back();
  Part& part = parts_[used_];
  part.turn = &turn;
  part.sequence = &sequence;
  const Wants wants = turn.wants(sequence.length(), most_rows);
  part.ids.assign(wants.ids.begin(), wants.ids.end());
  const bool to_the_end = sequence.length() + std::ssize(wants.ids) == std::ssize(turn.history());
  part.drafts = to_the_end ? draft(turn, most_rows - std::ssize(wants.ids), part.ids) : 0;
  batch_.add({sequence.id(), part.ids, wants.logits + static_cast<std::int64_t>(part.drafts)});
  ++used_;
  return std::ssize(part.ids);
}

/// Appends at most `room` drafts, up to the first that is no token of the model. Returns how many.
std::size_t Step::draft(const Turn& turn, std::int64_t room, std::vector<TokenId>& ids) const {
  const std::int64_t most = std::min(room, turn.drafts_wanted(context_limit_));
  if (most <= 0) return 0;
  const std::size_t known = ids.size();
  ids.resize(known + static_cast<std::size_t>(most));
  const auto room_for = std::span(ids).subspan(known);
  const auto drafts = room_for.first(std::min(turn.draft(room_for), room_for.size()));
  const auto end = std::ranges::find_if(drafts, [&](TokenId id) { return id < 0 || id >= vocab_size_; });
  ids.resize(known + static_cast<std::size_t>(end - drafts.begin()));
  return ids.size() - known;
}

void Step::take(std::size_t i, const OnChoice& on_choice) {
  const Part& part = parts_[i];
  std::size_t accepted = 0;
  const auto reject = [&] {
    if (accepted == part.drafts) return;
    part.sequence->truncate(part.sequence->length() - static_cast<std::int64_t>(part.drafts - accepted));
  };
  try {
    choose(part, batch_.rows(i), on_choice, accepted);
  } catch (...) {
    reject();
    throw;
  }
  reject();
}

void Step::choose(const Part& part, const lm::Logits& rows, const OnChoice& on_choice,
                  std::size_t& accepted) {
  Turn& turn = *part.turn;
  const auto drafts = std::span(part.ids).last(part.drafts);
  const auto of_history = rows.rows() - std::ssize(drafts);
  const std::int64_t position = part.sequence->length() - rows.rows();
  auto choice = turn.take(position, rows.slice(0, of_history), sampler_);
  while (true) {
    const bool right = choice && accepted < drafts.size() && choice->id == drafts[accepted];
    if (right) ++accepted;
    if (choice && on_choice && on_choice(*choice) == Verdict::stop) turn.finish(FinishReason::stop);
    turn.end_at(context_limit_);
    if (!right || turn.finished()) return;
    choice = turn.take(rows.row(of_history + static_cast<std::int64_t>(accepted) - 1), sampler_);
  }
}

}  // namespace nestor::decode
