// The grids that come with Nestor. Sizes, steps and costs were found by experiment (study/LOG.md).
#include <fmt/ranges.h>

#include <cmath>
#include <optional>

#include "base/error.h"
#include "config/footprint.h"
#include "study/grid.h"

namespace nestor::study {
namespace {

// Width 32, one shortcut layer, 60 thousand activated parameters.
constexpr const char* kBase = R"({
  "model": {
    "config": {
      "vocab_size": 1024, "hidden_size": 32, "num_layers": 1, "max_position_embeddings": 1024,
      "num_attention_heads": 2, "q_lora_rank": 32, "kv_lora_rank": 16,
      "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 16,
      "ffn_hidden_size": 64, "expert_ffn_hidden_size": 16,
      "n_routed_experts": 172, "zero_expert_num": 0, "moe_topk": 4, "routed_scaling_factor": 4.0,
      "emb_neighbor_num": 3, "emb_split_num": 2, "ngram_vocab_size_ratio": 11.37
    },
    "amplification": "layer_norm", "draft": false
  },
  "dense": {"kind": "adamw", "learning_rate": 0.008},
  "schedule": {"kind": "wsd", "steps": 150, "warmup_steps": 8},
  "data": {"window": 128, "rows": 16},
  "threads": 1, "products": "f32",
  "reporting": {"log_every": 10, "evaluate_every": 1000000, "evaluate_tokens": 65536, "save_every": 1000000}
})";

// The same shape with experts alone.
Json without_tables(Json config, std::int64_t experts) {
  for (const char* key : {"emb_neighbor_num", "emb_split_num", "ngram_vocab_size_ratio"}) config.erase(key);
  config["n_routed_experts"] = experts;
  return config;
}

std::int64_t total_of(const Json& config) {
  Json recipe = parse_json(kBase, "base");
  recipe["model"]["config"] = config;
  return config::footprint_of(typed(recipe, "a preset of nestor study").model.config).total;
}

// How far a ratio lies from small fractions, where 2-grams collide.
double distance_from_fractions(double ratio) {
  double least = 1;
  for (int q = 1; q <= 6; ++q) least = std::min(least, std::abs(ratio * q - std::round(ratio * q)));
  return least;
}

// About `experts` experts and tables, together as many parameters as `total`; the ratio of the tables lies
// far from small fractions.
Json with_tables(const Json& shape, std::int64_t experts, std::int64_t total) {
  constexpr double kStart = 1.37;
  const double numbers = shape["hidden_size"].get<double>() * shape["vocab_size"].get<double>();
  std::optional<Json> best;
  double best_distance = -1;
  for (std::int64_t kept = std::max<std::int64_t>(8, experts - 6);
       kept <= std::max<std::int64_t>(8, experts) + 6; ++kept) {
    Json config = shape;
    config["n_routed_experts"] = kept;
    config["ngram_vocab_size_ratio"] = kStart;
    const double ratio =
        std::round(1e4 * (kStart + static_cast<double>(total - total_of(config)) / numbers)) / 1e4;
    if (ratio < 0.1 || distance_from_fractions(ratio) <= best_distance) continue;
    best_distance = distance_from_fractions(ratio);
    config["ngram_vocab_size_ratio"] = ratio;
    best = config;
  }
  if (!best) fail(ErrorKind::internal, "{} experts leave no parameters for tables", experts);
  return *best;
}

class Maker {
 public:
  explicit Maker(const char* name) {
    grid_ = {
        {"name", name}, {"seeds", {1, 2, 3}}, {"base", parse_json(kBase, "base")}, {"runs", Json::array()}};
  }

  Json& at(const char* key) { return grid_[key]; }
  const Json& config() const { return grid_["base"]["model"]["config"]; }
  Json take() { return std::move(grid_); }

  Json& run(const std::string& name, const Json& config, Json set) {
    set["model.config"] = config;
    grid_["runs"].push_back({{"name", name}, {"set", set}});
    return grid_["runs"].back();
  }
  /// So many experts alone.
  Json& experts(const std::string& name, std::int64_t experts, const Json& set = Json::object()) {
    return run(name, without_tables(shape(set), experts), set);
  }
  /// Tables with a share of as many parameters.
  Json& tables(const std::string& name, std::int64_t experts, double share,
               const Json& set = Json::object()) {
    const Json config = shape(set);
    const std::int64_t total = total_of(without_tables(config, experts));
    const std::int64_t expert = total_of(without_tables(config, 9)) - total_of(without_tables(config, 8));
    const double others = share * static_cast<double>(total) / static_cast<double>(expert);
    return run(name, with_tables(config, experts - std::llround(others), total), set);
  }

 private:
  // The config of the base, or the one that a run asks for.
  Json shape(const Json& set) const { return set.contains("model.config") ? set["model.config"] : config(); }

  Json grid_;
};

// Experts with which all parameters are so many times the activated ones, the router aside.
constexpr std::int64_t kRatio3 = 60, kRatio6 = 175, kRatio12 = 404, kRatio24 = 857;

void add_amplification(Maker& make, const Json& set) {
  for (const auto& [kind, name] : {std::pair{"none", "none"}, std::pair{"sqrt_d", "sqrt"}}) {
    Json more = set;
    more["model.amplification"] = kind;
    make.tables(std::string("ne-r12-") + name, kRatio12, 0.5, more);
    make.experts(std::string("moe-r12-") + name, kRatio12, more);
  }
}

// N = 2 and K = 1, where every collision of 2-grams shows.
void add_bad_rows(Maker& make) {
  for (const auto& [name, ratio] :
       {std::pair{"ne-r12-rows11.00", 11.0}, std::pair{"ne-r12-rows11.37", 11.37}}) {
    Json config = make.config();
    config["emb_neighbor_num"] = 2;
    config["emb_split_num"] = 1;
    config["ngram_vocab_size_ratio"] = ratio;
    make.run(name, config, Json::object());
  }
}

// Two layers of 120 experts; tables of the layers, and tables of the input with as many parameters.
void add_per_layer(Maker& make, const Json& set) {
  constexpr std::int64_t kExperts = 120;
  Json shape = make.config();
  shape["num_layers"] = 2;
  const Json words = {{"kind", "ple"}, {"mlp", 1}};
  const Json ngrams = {{"kind", "plne"},
                       {"mlp", 1},
                       {"emb_neighbor_num", 3},
                       {"emb_split_num", 2},
                       {"ngram_vocab_size_ratio", 3.37}};
  for (const auto& [name, own] : {std::pair{"ple", words}, std::pair{"plne", ngrams}}) {
    Json config = without_tables(shape, kExperts);
    config["per_layer_embedding"] = own;
    make.run(name, config, set);
    make.run(std::string("ne-") + name, with_tables(shape, kExperts, total_of(config)), set);
  }
}

Json smoke() {
  Maker make("smoke");
  make.at("note") = "about 400 seconds of a processor, half as long on two";
  make.at("text") = {{"bytes", 12000000}, {"vocab_size", 1024}, {"questions", 100}};
  make.at("batches") = {1, 4, 16, 64};
  make.experts("moe-r3", kRatio3);
  make.tables("ne-r3", kRatio3, 0.33);
  make.experts("moe-r12", kRatio12);
  make.tables("ne-r12", kRatio12, 0.5);
  add_amplification(make, Json::object());
  make.tables("ne-r12-share25", kRatio12, 0.25);
  make.tables("ne-r12-share75", kRatio12, 0.75);
  add_bad_rows(make);
  add_per_layer(make, Json::object());
  return make.take();
}

// Text and steps of a longer study. `steps` of 2,048 tokens each.
Json longer(std::int64_t steps) {
  return {{"schedule.steps", steps},
          {"schedule.warmup_steps", std::max<std::int64_t>(8, steps / 20)},
          {"reporting.log_every", std::max<std::int64_t>(10, steps / 100)},
          {"reporting.evaluate_every", std::max<std::int64_t>(500, steps / 4)},
          {"reporting.save_every", 2000}};
}
// Of 2,048 tokens: all of the text once, which is 31.3 million tokens; two millions; four millions.
constexpr std::int64_t kEpoch = 15300, kTwoMillions = 1000, kFourMillions = 2000;

Json cpu() {
  Maker make("cpu");
  make.at("note") = "about 11,500 seconds of a processor, two hours on two";
  make.at("text") = {{"vocab_size", 1024}, {"questions", 400}};
  make.at("batches") = {1, 2, 4, 8, 16, 32, 64, 128};
  const Json whole = longer(kEpoch), small = longer(kTwoMillions);
  make.experts("moe-r3", kRatio3, whole);
  make.tables("ne-r3", kRatio3, 0.33, whole);
  make.experts("moe-r12", kRatio12, whole);
  make.tables("ne-r12", kRatio12, 0.5, whole);
  make.tables("ne-r12-share80", kRatio12, 0.8, whole);
  add_amplification(make, small);
  // What amplification is compared with, after as many tokens.
  make.tables("ne-r12-layer", kRatio12, 0.5, small);
  make.experts("moe-r12-layer", kRatio12, small);
  add_per_layer(make, small);
  return make.take();
}

// The curve over ratios, with one seed: reported, no verdict.
Json ratio() {
  Maker make("ratio");
  make.at("note") = "about 5,000 seconds of a processor; one seed, so there is no verdict";
  make.at("text") = {{"vocab_size", 1024}, {"questions", 400}};
  make.at("seeds") = {1};
  const Json whole = longer(kEpoch);
  for (const auto& [name, experts] : {std::pair{"r3", kRatio3}, std::pair{"r6", kRatio6},
                                      std::pair{"r12", kRatio12}, std::pair{"r24", kRatio24}}) {
    make.experts(std::string("moe-") + name, experts, whole);
    make.tables(std::string("ne-") + name, experts, 0.5, whole);
  }
  return make.take();
}

// Shares, N and K, width and depth, after two to four million tokens: reported, no verdict.
Json shapes() {
  Maker make("shapes");
  make.at("note") = "about 4,000 seconds of a processor; one seed, so there is no verdict";
  make.at("text") = {{"vocab_size", 1024}, {"questions", 400}};
  make.at("seeds") = {1};
  const Json set = longer(kFourMillions);
  make.experts("moe-r12", kRatio12, set);
  for (const int share : {25, 50, 65, 80})
    make.tables(share == 50 ? "ne-r12" : "ne-r12-share" + std::to_string(share), kRatio12, share / 100.0,
                set);
  // (N - 1) K sub-tables share the width of 32 evenly.
  for (const auto& [n, k] : {std::pair{2, 1}, std::pair{2, 4}, std::pair{3, 4}, std::pair{5, 2}}) {
    Json more = set;
    more["model.config"] = make.config();
    more["model.config"]["emb_neighbor_num"] = n;
    more["model.config"]["emb_split_num"] = k;
    make.tables("ne-r12-n" + std::to_string(n) + "k" + std::to_string(k), kRatio12, 0.5, more);
  }
  for (const int width : {16, 64}) {
    Json more = set;
    Json config = make.config();
    config["hidden_size"] = width;
    config["q_lora_rank"] = width;
    config["num_attention_heads"] = width / 16;
    config["ffn_hidden_size"] = 2 * width;
    config["expert_ffn_hidden_size"] = width / 2;
    more["model.config"] = config;
    make.experts("moe-r12-width" + std::to_string(width), kRatio12, more);
    make.tables("ne-r12-width" + std::to_string(width), kRatio12, 0.5, more);
  }
  for (const int depth : {2, 4}) {
    Json more = set;
    more["model.config"] = make.config();
    more["model.config"]["num_layers"] = depth;
    make.experts("moe-r12-depth" + std::to_string(depth), kRatio12, more);
    make.tables("ne-r12-depth" + std::to_string(depth), kRatio12, 0.5, more);
  }
  return make.take();
}

// Written for one large GPU and never run.
Json gpu() {
  Json grid = ratio();
  grid["name"] = "gpu";
  grid["note"] = "written for one large GPU, and never run";
  grid["seeds"] = {1, 2, 3};
  Json& base = grid["base"];
  base["device"] = "cuda";
  base["products"] = "bf16";
  base["data"] = {{"window", 256}, {"rows", 128}};
  for (Json& run : grid["runs"]) {
    run["set"]["schedule.steps"] = 970;  // of 32,768 tokens: the text once
    run["set"]["schedule.warmup_steps"] = 50;
    run["set"]["reporting.log_every"] = 10;
    run["set"]["reporting.evaluate_every"] = 250;
  }
  return grid;
}

}  // namespace

std::vector<std::string> preset_names() { return {"smoke", "cpu", "ratio", "shapes", "gpu"}; }

Json preset(const std::string& name) {
  if (name == "smoke") return smoke();
  if (name == "cpu") return cpu();
  if (name == "ratio") return ratio();
  if (name == "shapes") return shapes();
  if (name == "gpu") return gpu();
  fail(ErrorKind::usage, "there is no study {}: expected a JSON file or one of {}", in_quotes(name),
       fmt::join(preset_names(), ", "));
}

}  // namespace nestor::study
