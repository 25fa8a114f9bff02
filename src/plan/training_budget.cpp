#include "plan/training_budget.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "config/budget.h"
#include "config/parse_config.h"
#include "plan/table_size.h"

namespace nestor::plan {
namespace {

constexpr std::array kNgramKeys = {"emb_neighbor_num", "emb_split_num", "ngram_vocab_size_ratio"};
constexpr double kTwinTolerance = 1e-3;
// Ratios with less clearance are passed over if another number of experts gives one with more.
constexpr double kGoodClearance = 0.3;
constexpr std::int64_t kExpertsTried = 40;

config::ModelConfig parsed(const Json& json) { return config::parse_config(json, "the planned config.json"); }

config::Footprint counted(const Json& json) { return config::footprint_of(parsed(json)); }

// Between the least and the most, as many picks of experts with weights as their share of all routes says.
double mean_of(const config::ModelConfig& c, const config::Footprint& f) {
  const auto picks = static_cast<double>(c.moe_topk), experts = static_cast<double>(c.n_routed_experts);
  const double least = std::max(picks - static_cast<double>(c.zero_expert_num), 0.0);
  const double most = std::min(picks, experts), mean = picks * experts / static_cast<double>(c.routes());
  const double at = most > least ? (mean - least) / (most - least) : 1;
  return static_cast<double>(f.activated_min) + at * static_cast<double>(f.activated_max - f.activated_min);
}

Json without_tables(Json config) {
  for (const char* key : kNgramKeys) config.erase(key);
  config.erase("per_layer_embedding");
  const bool amplified = config.contains("embedding_amplification");
  config["architectures"] = {amplified ? "NestorForCausalLM" : "LongcatFlashForCausalLM"};
  config["model_type"] = amplified ? "nestor" : "longcat_flash";
  return config;
}

Json with_experts(Json config, std::int64_t experts) {
  config["n_routed_experts"] = experts;
  return config;
}

// A ratio whose first table has so many rows: the half keeps it clear of rounding.
Json with_tables(Json config, std::int64_t rows, const BudgetRequest& r) {
  const auto vocab = config.at("vocab_size").get<double>();
  const bool amplified = config.contains("embedding_amplification");
  config["emb_neighbor_num"] = r.order;
  config["emb_split_num"] = r.splits;
  config["ngram_vocab_size_ratio"] = (static_cast<double>(rows) - 0.5) / vocab;
  config["architectures"] = {amplified ? "NestorForCausalLM" : "LongcatFlashNgramForCausalLM"};
  config["model_type"] = amplified ? "nestor" : "longcat_flash_ngram";
  return config;
}

// Widths times a factor; heads keep their sizes, their number changes.
Json scaled(Json config, double factor, std::int64_t tables) {
  const auto scale = [&](const char* key, std::int64_t unit) {
    const double wanted = config.at(key).get<double>() * factor;
    config[key] = std::max<std::int64_t>(std::llround(wanted / static_cast<double>(unit)), 1) * unit;
  };
  scale("hidden_size", std::lcm<std::int64_t>(8, tables));
  for (const char* key : {"q_lora_rank", "kv_lora_rank", "ffn_hidden_size", "expert_ffn_hidden_size"})
    scale(key, 8);
  scale("num_attention_heads", 1);
  return config;
}

// The factor whose activated parameters are nearest, found by halving: they grow with it.
Json with_activated(const Json& config, std::int64_t activated, std::int64_t tables) {
  double low = 1.0 / 64, high = 64;
  const auto mean = [&](double factor) {
    const Json json = scaled(config, factor, tables);
    return mean_of(parsed(json), counted(json));
  };
  for (int i = 0; i < 40; ++i) {
    const double middle = std::sqrt(low * high);
    (mean(middle) < static_cast<double>(activated) ? low : high) = middle;
  }
  const double below = static_cast<double>(activated) - mean(low),
               above = mean(high) - static_cast<double>(activated);
  return scaled(config, below < above ? low : high, tables);
}

// What experts and tables of a configuration cost.
struct Costs {
  std::int64_t base = 0;    // with no expert and no table
  std::int64_t expert = 0;  // of one more in every layer

  explicit Costs(const Json& bare) {
    const std::int64_t one = counted(with_experts(bare, 1)).total;
    const std::int64_t two = counted(with_experts(bare, 2)).total;
    expert = two - one;
    base = one - expert;
  }
};

std::int64_t nearest_experts(const Costs& costs, double parameters) {
  return std::max<std::int64_t>(
      std::llround((parameters - static_cast<double>(costs.base)) / static_cast<double>(costs.expert)), 1);
}

// Rows of the first table that bring the total nearest; 0 if not even one row fits. Table i has 2 i rows
// more, all of them together as wide as the embedding, and a projection of width times width.
std::int64_t rows_for(const Json& bare, std::int64_t total, const BudgetRequest& r) {
  const config::Footprint least = counted(with_tables(bare, 1, r));
  const auto hidden = bare.at("hidden_size").get<std::int64_t>();
  const double more = static_cast<double>(total - least.total) / static_cast<double>(hidden);
  return more < 0 ? 0 : 1 + std::llround(more);
}

Candidate candidate_of(Json json, double share) {
  Candidate c;
  c.share = share;
  c.config = parsed(json);
  c.footprint = config::footprint_of(c.config);
  c.config_json = std::move(json);
  return c;
}

// Numbers of experts near the share's own are tried: each gives the tables another size.
Candidate with_share(const Json& bare, const Costs& costs, std::int64_t total, double share,
                     const BudgetRequest& r) {
  const auto vocab = bare.at("vocab_size").get<std::int64_t>();
  const std::int64_t middle = nearest_experts(costs, static_cast<double>(total) * (1 - share));
  const std::int64_t least = std::max<std::int64_t>(bare.at("moe_topk").get<std::int64_t>(), 1);
  std::optional<Candidate> best;
  double best_clearance = -1;
  for (std::int64_t step = 0; step <= 2 * kExpertsTried; ++step) {
    const std::int64_t experts = middle + (step % 2 == 0 ? step / 2 : -(step + 1) / 2);
    // Further away only if the share hardly changes.
    const double moved = static_cast<double>(std::abs(experts - middle) * costs.expert);
    if (experts < least || (step > 2 && moved > 0.02 * static_cast<double>(total))) continue;
    const Json chosen = with_experts(bare, experts);
    std::int64_t rows = rows_for(chosen, total, r);
    if (rows < 1) continue;
    if (std::gcd(rows, vocab) != 1) ++rows;
    const double far = clearance(rows, vocab);
    if (best && far <= best_clearance) continue;
    Candidate candidate = candidate_of(with_tables(chosen, rows, r), share);
    const double off = static_cast<double>(std::abs(candidate.footprint.total - total));
    if (off > kTwinTolerance * static_cast<double>(total)) continue;
    best = std::move(candidate);
    best_clearance = far;
    if (far >= kGoodClearance) break;
  }
  if (!best) {
    fail(ErrorKind::usage,
         "no number of experts gives n-gram tables {:.0f} % of {} parameters: the rest of the model takes "
         "{}, an "
         "expert {} and picks are of {} experts; expected a larger budget or another share",
         100 * share, total, costs.base, costs.expert, least);
  }
  return *best;
}

BudgetRequest completed(BudgetRequest r) {
  const auto of = [&](const char* key, std::int64_t otherwise) {
    return r.config.contains(key) ? r.config.at(key).get<std::int64_t>() : otherwise;
  };
  if (r.order == 0) r.order = of("emb_neighbor_num", 4);
  if (r.splits == 0) r.splits = of("emb_split_num", 4);
  for (const double share : r.shares) {
    if (!(share >= 0 && share < 1)) fail(ErrorKind::usage, "a share lies from 0 to below 1, not {}", share);
  }
  return r;
}

}  // namespace

double Candidate::ngram_share() const {
  return static_cast<double>(footprint.ngram) / static_cast<double>(footprint.total);
}

double Candidate::activated() const { return mean_of(config, footprint); }

double Candidate::ratio() const { return static_cast<double>(footprint.total) / activated(); }

double Candidate::forward_operations() const {
  const double picks = static_cast<double>(config.num_layers * config.moe_topk * config.n_routed_experts) /
                       static_cast<double>(config.routes());
  const config::Pass pass = {.rows = 1, .positions = 0, .picks = picks, .logits = 1};
  return 2 * config::operations_of(config, {}, pass, config::AttentionForm::heads).total();
}

double Candidate::bytes_per_token() const {
  constexpr double kBytes = 2;
  const double rows = static_cast<double>((config.ngram ? 2 : 1) * config.hidden_size);
  return kBytes * (forward_operations() / 2 + rows);
}

std::vector<Candidate> plan_budget(const BudgetRequest& asked) {
  const BudgetRequest r = completed(asked);
  const std::int64_t tables = r.splits * (r.order - 1);
  const Json base = r.activated ? with_activated(r.config, *r.activated, tables) : r.config;
  const Json bare = without_tables(base);
  const Costs costs(bare);
  const config::Footprint given = counted(r.config);
  const double ratio = static_cast<double>(given.total) / mean_of(parsed(r.config), given);
  const std::int64_t wanted = r.total       ? *r.total
                              : r.activated ? std::llround(ratio * static_cast<double>(*r.activated))
                                            : given.total;
  const std::int64_t least = bare.at("moe_topk").get<std::int64_t>();
  const std::int64_t experts = nearest_experts(costs, static_cast<double>(wanted));
  if (experts < least) {
    fail(ErrorKind::usage,
         "{} parameters are too few: with the {} experts that a token picks the model has {}", wanted, least,
         costs.base + least * costs.expert);
  }
  // The total of whole experts, so that a twin without tables can have it.
  const std::int64_t total = costs.base + experts * costs.expert;
  std::vector<Candidate> candidates;
  for (const double share : r.shares) {
    candidates.push_back(share == 0 ? candidate_of(with_experts(bare, experts), 0)
                                    : with_share(bare, costs, total, share, r));
    candidates.back().warnings = warnings_of(candidates.back(), r);
  }
  return candidates;
}

}  // namespace nestor::plan
