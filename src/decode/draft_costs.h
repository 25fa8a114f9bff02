// What drafting costs and gives, as measured while it is done: the time of steps by their rows, and how often
// drafts are right. From both follows how many drafts are worth their rows.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "decode/draft_wish.h"

namespace nestor::decode {

/// How often the drafts of one kind are right, by position: of those whose predecessors were right. Recent
/// ones count more.
class Acceptance {
 public:
  /// Begins as if a few drafts had been right that often.
  explicit Acceptance(double expected);

  void add(std::int64_t drafted, std::int64_t accepted);
  /// That the draft of this position (0 = the next token) is right if those before it are.
  double at(std::int64_t position) const;
  /// Tokens that a step is expected to give beside its own, with so many drafts.
  double expected(std::int64_t drafts) const;

 private:
  struct Share {
    double right, all;
  };
  std::array<Share, kMostDrafts> shares_;
};

/// Seconds of a forward by its rows: a moving mean for every number that was seen.
class ForwardCosts {
 public:
  static constexpr std::int64_t kMostRows = 256;

  void add(std::int64_t rows, double seconds);
  /// Measured, or from what was measured next to it. Without any measurement, 1 + a quarter for each further
  /// row: rather too cheap than too dear, so that it is tried.
  double at(std::int64_t rows) const;
  bool measured(std::int64_t rows) const { return seconds_[index(rows)] > 0; }

 private:
  static std::size_t index(std::int64_t rows);
  std::array<double, kMostRows + 1> seconds_{};
};

/// A moving mean of seconds.
class MeanSeconds {
 public:
  void add(double seconds) { mean_ = mean_ == 0 ? seconds : mean_ + 0.1 * (seconds - mean_); }
  double get() const { return mean_; }

 private:
  double mean_ = 0;
};

/// What drafting has gained or lost against plain decoding, in seconds. Whoever drafts only where it pays may
/// lose a step at the beginning and a two hundredth of the time after it.
class Ledger {
 public:
  /// A step of so many seconds gave tokens that would have taken `plain_seconds` without drafts, and
  /// `plain_step` is what a step without drafts takes.
  void add(double seconds, double plain_seconds, double plain_step);
  bool has_credit() const { return lost_ <= plain_step_ + total_ / 200; }

 private:
  double lost_ = 0, total_ = 0, plain_step_ = 0;
};

/// The number of drafts, 0 to `most`, that gives the most tokens a second where `turns` turns get as many
/// each, and how much longer a token takes without any: 1 if none pay.
struct BestLength {
  std::int64_t drafts = 0;
  double gain = 1;
};
BestLength best_length(const Acceptance& acceptance, const ForwardCosts& forward, double draft_begin,
                       double draft_each, std::int64_t turns, std::int64_t most);

}  // namespace nestor::decode
