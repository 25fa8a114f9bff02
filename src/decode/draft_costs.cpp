#include "decode/draft_costs.h"

#include <algorithm>

namespace nestor::decode {
namespace {

// Drafts that the mean of acceptance remembers, and as how many the expectation at the beginning counts.
constexpr double kRemembered = 200, kExpectedCounts = 8;

}  // namespace

Acceptance::Acceptance(double expected) { shares_.fill({expected * kExpectedCounts, kExpectedCounts}); }

void Acceptance::add(std::int64_t drafted, std::int64_t accepted) {
  for (std::int64_t i = 0; i < std::min({drafted, accepted + 1, kMostDrafts}); ++i) {
    Share& share = shares_[static_cast<std::size_t>(i)];
    const double kept = share.all < kRemembered ? 1 : 1 - 1 / kRemembered;
    share.right = kept * share.right + (i < accepted ? 1 : 0);
    share.all = kept * share.all + 1;
  }
}

double Acceptance::at(std::int64_t position) const {
  const Share& share = shares_[static_cast<std::size_t>(std::min(position, kMostDrafts - 1))];
  return share.right / share.all;
}

double Acceptance::expected(std::int64_t drafts) const {
  double all_right = 1, tokens = 0;
  for (std::int64_t i = 0; i < drafts; ++i) {
    all_right *= at(i);
    tokens += all_right;
  }
  return tokens;
}

std::size_t ForwardCosts::index(std::int64_t rows) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(rows, 1, kMostRows));
}

void ForwardCosts::add(std::int64_t rows, double seconds) {
  double& mean = seconds_[index(rows)];
  // One that was disturbed says little.
  mean = mean == 0 ? seconds : mean + 0.1 * (std::min(seconds, 3 * mean) - mean);
}

double ForwardCosts::at(std::int64_t rows) const {
  const std::size_t wanted = index(rows);
  if (seconds_[wanted] > 0) return seconds_[wanted];
  std::size_t below = wanted, above = wanted;
  while (below > 0 && seconds_[below] == 0) --below;
  while (above < seconds_.size() && seconds_[above] == 0) ++above;
  const bool has_above = above < seconds_.size();
  if (below > 0 && has_above) {
    const double share = static_cast<double>(wanted - below) / static_cast<double>(above - below);
    return seconds_[below] + share * (seconds_[above] - seconds_[below]);
  }
  if (has_above) return seconds_[above];
  const double one = below > 0 ? seconds_[below] / static_cast<double>(below + 3) * 4 : 1;
  return one * (1 + 0.25 * static_cast<double>(wanted - 1));
}

void Ledger::add(double seconds, double plain_seconds, double plain_step) {
  // What was gained long ago does not pay for losses of today.
  constexpr double kMostGain = 20;
  lost_ = std::max(lost_ + seconds - plain_seconds, -kMostGain * plain_step);
  total_ += seconds;
  plain_step_ = plain_step;
}

BestLength best_length(const Acceptance& acceptance, const ForwardCosts& forward, double draft_begin,
                       double draft_each, std::int64_t turns, std::int64_t most) {
  const double plain = forward.at(turns);
  BestLength best;
  for (std::int64_t k = 1; k <= most; ++k) {
    const double seconds = forward.at(turns * (1 + k)) + draft_begin + static_cast<double>(k) * draft_each;
    const double gain = (1 + acceptance.expected(k)) * plain / seconds;
    if (gain > best.gain) best = {k, gain};
  }
  return best;
}

}  // namespace nestor::decode
