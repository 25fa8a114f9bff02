#include "decode/step.h"

#include <algorithm>
#include <chrono>
#include <functional>

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
  part.logits = wants.logits;
  part.kept = turn.drafter() == nullptr ? 0 : turn.drafter()->rows_to_keep(turn);
  part.drafts = 0;
  if (sequence.length() + std::ssize(wants.ids) == std::ssize(turn.history())) {
    const std::int64_t room = most_rows - std::ssize(wants.ids);
    part.drafts = static_cast<std::size_t>(
        std::max<std::int64_t>(0, std::min(room, turn.drafts_wanted(context_limit_))));
  }
  ++used_;
  return std::ssize(part.ids) + static_cast<std::int64_t>(part.drafts);
}

void Step::forward() {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  draft();
  const auto drafted = Clock::now();
  StepTime time{.draft_seconds = std::chrono::duration<double>(drafted - begin).count()};
  bool generating = true;  // all of them
  for (const Part& part : std::span(parts_).first(used_)) {
    const auto drafts = static_cast<std::int64_t>(part.drafts);
    batch_.add({part.sequence->id(), part.ids, part.logits + drafts,
                part.kept == 0 ? 0 : std::max(part.kept, 1 + drafts)});
    generating = generating && std::ssize(part.ids) == 1 + drafts;
    time.rows += std::ssize(part.ids);
  }
  batch_.forward();
  time.turns = static_cast<std::int64_t>(used_);
  time.forward_seconds = std::chrono::duration<double>(Clock::now() - drafted).count();
  if (!generating) return;
  Drafter* told = nullptr;
  for (const Part& part : std::span(parts_).first(used_)) {
    Drafter* drafter = part.turn->drafter();
    if (drafter != nullptr && drafter != told) drafter->took(time);
    told = drafter;
  }
}

/// Appends drafts to the parts that have room for some, up to the first that is no token of the model.
void Step::draft() {
  jobs_.clear();
  for (Part& part : std::span(parts_).first(used_)) {
    if (part.drafts > 0) jobs_.push_back({part.turn, part.sequence->id(), part.drafts, &part.ids});
  }
  if (jobs_.empty()) return;
  for (Part& part : std::span(parts_).first(used_)) part.drafts = part.ids.size();  // those without drafts
  // Turns with the same drafter are asked for together.
  std::ranges::sort(jobs_, std::less<>(), [](const DraftJob& job) { return job.turn->drafter(); });
  for (auto next = jobs_.begin(); next != jobs_.end();) {
    Drafter* const drafter = next->turn->drafter();
    const auto end =
        std::find_if(next, jobs_.end(), [&](const DraftJob& job) { return job.turn->drafter() != drafter; });
    drafter->draft({next, end});
    next = end;
  }
  const auto unknown = [&](TokenId id) { return id < 0 || id >= vocab_size_; };
  for (Part& part : std::span(parts_).first(used_)) {
    const auto first = part.ids.begin() + static_cast<std::ptrdiff_t>(part.drafts);
    part.ids.erase(std::find_if(first, part.ids.end(), unknown), part.ids.end());
    part.drafts = part.ids.size() - part.drafts;
  }
}

void Step::take(std::size_t i, const OnChoice& on_choice) {
  const Part& part = parts_[i];
  std::size_t accepted = 0;
  const bool after_prompt = !part.turn->generated().empty();
  const auto reject = [&] {
    const auto drafted = static_cast<std::int64_t>(part.drafts), right = static_cast<std::int64_t>(accepted);
    if (drafted > 0) part.turn->drafter()->verified(*part.turn, drafted, right);
    part.turn->count({drafted, right, after_prompt ? 1 : 0});
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
