// The rules of thumb that `plan budget` explains: what the paper found, and what our own runs say of it.
#include <fmt/format.h>

#include <string>

#include "plan/table_size.h"
#include "plan/training_budget.h"

namespace nestor::plan {
namespace {

constexpr const char* kPaper = "arXiv 2601.21204v2";

std::string figure(const char* number) { return fmt::format("{}, {}", kPaper, number); }

// Below, experts still lower the loss faster than tables do (Fig. 2: the curves cross a little above 20, from
// a base of 12).
constexpr double kSparse = 12;
constexpr double kMostShare = 0.5;

void check_share(const Candidate& c, std::vector<Warning>& out) {
  if (c.ngram_share() > kMostShare + 0.02) {
    out.push_back(
        {"share",
         fmt::format("n-grams take {:.0f} % of all parameters; beyond about half, more experts are the "
                     "better use",
                     100 * c.ngram_share()),
         figure("Fig. 2"),
         "one seed of a small model: at 540 tokens for each activated parameter half was better than "
         "0.8, earlier more was better"});
  }
  // Ratio of the model without its tables: whether experts are past their best before tables come.
  const double base = (1 - c.ngram_share()) * c.ratio();
  if (c.ngram_share() > 0 && base < kSparse) {
    out.push_back(
        {"ratio",
         fmt::format("without its tables the model has {:.1f} times its activated parameters; below about "
                     "{:.0f} more experts come first",
                     base, kSparse),
         figure("Fig. 2"),
         "small models: the gain of tables grows with the ratio (three seeds); that they lose at a ratio "
         "of 3 showed once, after 32 million tokens, by 0.02 nats"});
  }
}

void check_tables(const Candidate& c, const BudgetRequest& r, std::vector<Warning>& out) {
  if (!c.config.ngram) return;
  const config::NgramSpec& n = *c.config.ngram;
  if (n.order < 3 || n.order > 5) {
    out.push_back({"order", fmt::format("N is {}; 3 to 5 are best", n.order), figure("Fig. 4"),
                   "not shown at small scale: below N 4 all are alike within two standard deviations"});
  }
  if (n.splits < 2) {
    out.push_back({"splits", "K is 1; two tables an order or more are better", figure("Fig. 4"),
                   "not shown at small scale"});
  }
  if (!r.amplified) {
    out.push_back({"amplification",
                   "the embedding is not amplified: the first attention drowns it; take sqrt_d or layer_norm",
                   figure("Fig. 5"),
                   "small models, two seeds: 0.1 to 0.2 nats; without it tables lost to experts"});
  }
  const double far = clearance(n.rows(0), c.config.vocab_size);
  if (far < 0.1) {
    const NearFraction near = nearest_fraction(n.rows(0), c.config.vocab_size);
    out.push_back(
        {"rows",
         fmt::format("{} rows are near {}/{} of the vocabulary: frequent 2-grams share rows; nestor plan "
                     "collisions counts them, {} rows are far from all such fractions",
                     n.rows(0), near.p, near.q, recommended_rows(n.rows(0), c.config.vocab_size)),
         figure("Fig. 3b"), "counted exactly; a whole multiple cost 0.21 nats (two seeds)"});
  }
  if (r.training_tokens > 0 && r.training_tokens < n.rows(0)) {
    out.push_back({"tokens",
                   fmt::format("{} tokens cannot touch {} rows: part of every table stays untrained",
                               r.training_tokens, n.rows(0)),
                   figure("Fig. 3a"), "counted exactly"});
  }
}

void check_shape(const Candidate& c, std::vector<Warning>& out) {
  if (c.ngram_share() == 0) return;
  constexpr std::int64_t kDeep = 20;
  if (c.config.num_layers >= kDeep) {
    out.push_back({"depth",
                   fmt::format("{} layers: what tables gain shrinks with depth (10, 20, 40 layers)",
                               c.config.num_layers),
                   figure("Fig. 7b"), "not shown at small scale"});
  }
  constexpr double kHighRatio = 30;
  if (c.ratio() > kHighRatio && c.activated() < 790e6) {
    out.push_back(
        {"width",
         fmt::format("at {:.0f} times the activated parameters only wider models kept the gain (280M lost "
                     "it beyond 30, 1.3B had it at 50)",
                     c.ratio()),
         figure("Fig. 6"), "not shown at small scale: the gain did not depend on the width"});
  }
}

}  // namespace

std::vector<Warning> warnings_of(const Candidate& candidate, const BudgetRequest& request) {
  std::vector<Warning> warnings;
  check_share(candidate, warnings);
  check_tables(candidate, request, warnings);
  check_shape(candidate, warnings);
  return warnings;
}

}  // namespace nestor::plan
