// Who drafts, and how much: the drafters of one model, and a choice made at every step from what drafts cost
// on this machine and how often they were right.
//
// Threads: one, which owns the model.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "decode/draft_costs.h"
#include "decode/draft_wish.h"
#include "decode/drafter.h"
#include "decode/lookup.h"
#include "decode/sampler.h"

namespace nestor::decode {

/// Totals, which only grow. By position: 0 is the draft of the next token.
struct DraftCounters {
  struct Kind {
    std::array<std::uint64_t, kMostDrafts> drafted{}, accepted{};
  };
  std::array<Kind, kDraftKinds> kinds;  // DraftKind is the index
  std::uint64_t not_verified = 0;       // drafted, and too unlikely to be worth a row
};

class Speculation : public Drafter {
 public:
  /// Drafts with the model's block where a turn wants that and can_draft() holds.
  explicit Speculation(lm::LanguageModel& model);

  std::int64_t wanted(const Turn& turn) noexcept override;
  std::int64_t rows_to_keep(const Turn& turn) noexcept override;
  void draft(std::span<const DraftJob> jobs) override;
  void verified(const Turn& turn, std::int64_t drafted, std::int64_t accepted) noexcept override;
  void took(const StepTime& time) noexcept override;

  const DraftCounters& counters() const { return counters_; }

 private:
  // Drafts of a turn that are on their way.
  struct Pending {
    const Turn* turn;
    DraftKind kind;
    std::int64_t match;                  // tokens, of a lookup
    std::vector<std::size_t> bins = {};  // confidence of each draft of the block
  };
  struct Choice {
    DraftKind kind = DraftKind::lookup;
    std::int64_t drafts = 0;
    Match match = {};
  };
  // How often drafts of a confidence were right.
  struct Calibration {
    static constexpr std::size_t kBins = 10;
    Calibration();
    static std::size_t bin(double probability);
    double right(std::size_t bin) const { return rights[bin] / alls[bin]; }
    void add(std::size_t bin, bool was_right);
    std::array<double, kBins> rights, alls;
  };

  // A turn that the block drafts after, pass by pass.
  struct BlockJob {
    const DraftJob* job;
    std::size_t pending;
    std::vector<TokenId> drafts = {};
    double all_right = 1;  // the probability of that
    bool goes_on = true;
  };

  Choice choose(const Turn& turn) const;
  BestLength block_length() const;
  bool probes() const;
  void settle();
  void draft_with_block();
  double price_of_row(std::int64_t rows) const;

  lm::LanguageModel& model_;
  Sampler sampler_;
  ForwardCosts forward_;
  MeanSeconds block_first_, block_next_;
  Acceptance block_{0.7};
  std::array<Acceptance, kLongestMatch + 1> lookup_;
  Calibration calibration_;
  DraftCounters counters_;
  std::vector<Pending> pending_;
  std::vector<BlockJob> block_jobs_;
  std::vector<lm::Supposed> supposed_;
  Ledger ledger_;
  StepTime last_;              // the step whose drafts are being verified
  std::int64_t accepted_ = 0;  // of these
  std::int64_t turns_ = 1;     // of the last step
  std::uint64_t steps_ = 0;
};

}  // namespace nestor::decode
