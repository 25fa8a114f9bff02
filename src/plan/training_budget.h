// How to spend a budget of parameters: models of one total that differ in what part of it n-gram tables take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/footprint.h"
#include "config/model_config.h"

namespace nestor::plan {

struct BudgetRequest {
  Json config = {};                        // the keys of a config.json; its tables and experts are replaced
  std::optional<std::int64_t> total = {};  // parameters without the draft block; nothing: as many as it has
  std::optional<std::int64_t> activated =
      {};                                 // mean over identity picks; nothing: as it is, else widths change
  std::vector<double> shares = {0, 0.5};  // of n-gram tables and projections in the total; below 1
  std::int64_t order = 0, splits = 0;     // N and K; 0: those of the configuration, else 4 and 4
  bool amplified = true;                  // sqrt(D) or layer norm on the embedding
  std::int64_t training_tokens = 0;       // 0: not known
};

/// A rule that a candidate breaks or that should be known about it.
struct Warning {
  std::string id;  // "share", "ratio", "order", "splits", "amplification", "rows", ...
  std::string text;
  std::string source;  // where the rule comes from
  std::string seen;    // what our own runs say of it
};

struct Candidate {
  double share = 0;  // as asked
  Json config_json;  // a config.json
  config::ModelConfig config;
  config::Footprint footprint;
  std::vector<Warning> warnings;

  double ngram_share() const;
  /// Activated parameters when identity experts get their share of the picks.
  double activated() const;
  /// Total over activated.
  double ratio() const;
  /// Multiply-adds of a forward pass for one token without attention's reach, times two.
  double forward_operations() const;
  /// Bytes that decoding one token reads of matrices and rows, in bfloat16.
  double bytes_per_token() const;
};

/// A candidate for each share. The first has the total that was asked for as nearly as whole experts allow;
/// the others have its total within 0.1 %. Sizes of tables stay away from small fractions of the vocabulary.
/// Error(usage) for a budget or a share that no number of experts reaches, with the nearest that is possible.
std::vector<Candidate> plan_budget(const BudgetRequest& request);

/// The rules of the paper and of our own study that concern a candidate.
std::vector<Warning> warnings_of(const Candidate& candidate, const BudgetRequest& request);

}  // namespace nestor::plan
