#include "decode/speculation.h"

#include <algorithm>
#include <chrono>

#include "decode/turn.h"

namespace nestor::decode {
namespace {

// One step in so many tries another number of drafts than the best: what is never tried is never measured.
constexpr std::uint64_t kProbePeriod = 64;
// Rows that the model keeps so that the block has something to attend to.
constexpr std::int64_t kRowsToKeep = 32;
// As long as a pass of the block has not been measured, it counts as this share of a plain step.
constexpr double kExpectedPass = 0.3;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

bool wants(const Turn& turn, DraftKind kind) {
  return std::ranges::find(turn.draft_wish().kinds, kind) != turn.draft_wish().kinds.end();
}

std::array<Acceptance, kLongestMatch + 1> expected_by_match() {
  const auto expected = [](std::int64_t match) {
    return Acceptance(0.4 + 0.06 * static_cast<double>(match));
  };
  return {expected(0), expected(1), expected(2), expected(3), expected(4),
          expected(5), expected(6), expected(7), expected(8)};
}

}  // namespace

Speculation::Calibration::Calibration() {
  for (std::size_t i = 0; i < kBins; ++i) {
    rights[i] = 4 * (static_cast<double>(i) + 0.5) / static_cast<double>(kBins);
    alls[i] = 4;
  }
}

std::size_t Speculation::Calibration::bin(double probability) {
  return std::min(kBins - 1, static_cast<std::size_t>(probability * static_cast<double>(kBins)));
}

void Speculation::Calibration::add(std::size_t bin, bool was_right) {
  constexpr double kMost = 500;
  const double kept = alls[bin] < kMost ? 1 : 1 - 1 / kMost;
  rights[bin] = kept * rights[bin] + (was_right ? 1 : 0);
  alls[bin] = kept * alls[bin] + 1;
}

Speculation::Speculation(lm::LanguageModel& model) : model_(model), lookup_(expected_by_match()) {}

bool Speculation::probes() const { return steps_ % kProbePeriod == kProbePeriod - 1; }

/// Drafts of the block that are best, and how much faster they are than none.
BestLength Speculation::block_length() const {
  if (!forward_.measured(turns_)) return {};
  const double plain = forward_.at(turns_);
  const double next = block_next_.get() > 0 ? block_next_.get() : kExpectedPass * plain;
  const double first = block_first_.get() > 0 ? block_first_.get() : kExpectedPass * plain;
  BestLength best = best_length(block_, forward_, first - next, next, turns_, kMostDrafts);
  if (!probes()) return best;
  // One more, one less, or none where some are best; a first one where none is.
  const std::uint64_t turn_of = steps_ / kProbePeriod % 3;
  if (best.drafts == 0 || turn_of == 0) return {.drafts = std::min(best.drafts + 1, kMostDrafts)};
  return {.drafts = turn_of == 1 ? best.drafts - 1 : 0};
}

Speculation::Choice Speculation::choose(const Turn& turn) const {
  const DraftWish& wish = turn.draft_wish();
  Choice choice;
  if (wish.only_if_it_pays && !wish.tokens && !(forward_.measured(turns_) && ledger_.has_credit()))
    return choice;
  double gain = 1;
  if (wants(turn, DraftKind::lookup)) {
    const Match match = find_match(turn.history());
    if (match.length > 0) {
      const auto& acceptance = lookup_[static_cast<std::size_t>(match.length)];
      BestLength best = best_length(acceptance, forward_, 0, 0, turns_, kMostDrafts);
      if (wish.tokens) best = {.drafts = *wish.tokens, .gain = 1 + acceptance.expected(*wish.tokens)};
      if (best.drafts == 0 && (probes() || !wish.only_if_it_pays)) best.drafts = 1;
      if (best.drafts > 0) choice = {DraftKind::lookup, best.drafts, match};
      gain = best.gain;
    }
  }
  if (wants(turn, DraftKind::block)) {
    BestLength best = block_length();
    if (wish.tokens) best = {.drafts = *wish.tokens, .gain = 1 + block_.expected(*wish.tokens)};
    if (best.drafts == 0 && !wish.only_if_it_pays) best.drafts = 1;
    if (best.drafts > 0 && (choice.drafts == 0 || best.gain > gain))
      choice = {DraftKind::block, best.drafts, {}};
  }
  return choice;
}

std::int64_t Speculation::wanted(const Turn& turn) noexcept { return choose(turn).drafts; }

std::int64_t Speculation::rows_to_keep(const Turn& turn) noexcept {
  if (!wants(turn, DraftKind::block)) return 0;
  const DraftWish& wish = turn.draft_wish();
  const bool soon = steps_ % kProbePeriod >= kProbePeriod - 3;
  return wish.tokens || !wish.only_if_it_pays || soon || block_length().drafts > 0 ? kRowsToKeep : 0;
}

void Speculation::draft(std::span<const DraftJob> jobs) {
  pending_.clear();
  block_jobs_.clear();
  for (const DraftJob& job : jobs) {
    const Choice choice = choose(*job.turn);
    pending_.push_back({.turn = job.turn, .kind = choice.kind, .match = choice.match.length});
    if (choice.kind == DraftKind::block) {
      const bool whole = model_.history(job.sequence).size() + 1 == job.turn->history().size();
      if (whole && model_.can_draft(job.sequence)) block_jobs_.push_back({&job, pending_.size() - 1});
      continue;
    }
    const auto history = job.turn->history();
    const auto copy = history.subspan(static_cast<std::size_t>(choice.match.next));
    const auto count = std::min(job.most, copy.size());
    job.ids->insert(job.ids->end(), copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(count));
  }
  draft_with_block();
}

/// The probability below which a further draft is not worth its row, in the tokens that a row costs.
double Speculation::price_of_row(std::int64_t rows) const {
  const double plain = forward_.at(turns_) / static_cast<double>(turns_);
  return std::max(0.0, forward_.at(rows + 1) - forward_.at(rows)) / plain;
}

void Speculation::draft_with_block() {
  std::int64_t rows = turns_;
  for (std::size_t pass = 0; !block_jobs_.empty(); ++pass) {
    const auto begin = std::chrono::steady_clock::now();
    supposed_.clear();
    for (const BlockJob& b : block_jobs_) {
      const TokenId last = b.drafts.empty() ? b.job->turn->history().back() : b.drafts.back();
      supposed_.push_back({b.job->sequence, last});
    }
    const lm::Logits logits = model_.draft(supposed_);
    for (std::size_t i = 0; i < block_jobs_.size(); ++i) {
      BlockJob& b = block_jobs_[i];
      const auto drawn = b.job->turn->guess(logits.row(static_cast<std::int64_t>(i)), b.drafts, sampler_);
      b.goes_on = false;
      if (!drawn) continue;
      const std::size_t bin = Calibration::bin(drawn->weight);
      b.all_right *= calibration_.right(bin);
      if (!b.job->turn->draft_wish().tokens && b.all_right < price_of_row(rows)) {
        ++counters_.not_verified;
        continue;
      }
      b.drafts.push_back(drawn->id);
      pending_[b.pending].bins.push_back(bin);
      ++rows;
      b.goes_on = b.drafts.size() < b.job->most;
    }
    for (const BlockJob& b : block_jobs_) {
      if (!b.goes_on) b.job->ids->insert(b.job->ids->end(), b.drafts.begin(), b.drafts.end());
    }
    std::erase_if(block_jobs_, [](const BlockJob& b) { return !b.goes_on; });
    (pass == 0 ? block_first_ : block_next_).add(seconds_since(begin));
  }
}

void Speculation::verified(const Turn& turn, std::int64_t drafted, std::int64_t accepted) noexcept {
  const auto of_turn = std::ranges::find(pending_, &turn, &Pending::turn);
  if (of_turn == pending_.end()) return;
  Acceptance& acceptance =
      of_turn->kind == DraftKind::lookup ? lookup_[static_cast<std::size_t>(of_turn->match)] : block_;
  acceptance.add(drafted, accepted);
  accepted_ += accepted;
  for (std::int64_t i = 0; i < std::min(accepted + 1, std::ssize(of_turn->bins)); ++i)
    calibration_.add(of_turn->bins[static_cast<std::size_t>(i)], i < accepted);
  auto& counts = counters_.kinds[static_cast<std::size_t>(of_turn->kind)];
  for (std::int64_t i = 0; i < std::min(drafted, kMostDrafts); ++i) {
    ++counts.drafted[static_cast<std::size_t>(i)];
    if (i < accepted) ++counts.accepted[static_cast<std::size_t>(i)];
  }
}

/// Books the last step, now that its drafts are verified.
void Speculation::settle() {
  if (last_.turns == 0) return;
  const double plain_step = forward_.at(last_.turns);
  const double seconds = last_.draft_seconds + last_.forward_seconds;
  const double tokens = static_cast<double>(last_.turns + accepted_);
  const bool drafted = last_.rows > last_.turns || last_.draft_seconds > plain_step / 20;
  ledger_.add(seconds, drafted ? tokens / static_cast<double>(last_.turns) * plain_step : seconds,
              plain_step);
  accepted_ = 0;
}

void Speculation::took(const StepTime& time) noexcept {
  settle();
  last_ = time;
  forward_.add(time.rows, time.forward_seconds);
  turns_ = time.turns;
  ++steps_;
}

}  // namespace nestor::decode
