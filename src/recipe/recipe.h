// One training run, complete and typed: what the model is, what it reads, how it learns, what it reports.
// Knows no torch. A recipe is a JSON object; every key has a default but the model's shape, and a key that
// nothing knows is an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/model_config.h"

namespace nestor::recipe {

/// Embedding Amplification (study, finding of Fig. 5). sqrt_d is trained folded: tables hold sqrt(D) times
/// the values of Eq. 3, so that nothing has to be done on export and plain readers agree.
enum class Amplification { none, sqrt_d, layer_norm };

struct Modeling {
  Json config_json;            // "config": the keys of a config.json, as given and completed
  config::ModelConfig config;  // what is trained: config_json, or its vanilla twin
  Amplification amplification = Amplification::sqrt_d;
  bool draft = true;  // train the MTP block
  double draft_loss_weight = 0.2;
  double draft_fraction = 0.5;  // of the rows of a batch that train the draft
  /// The parameter-equal twin: n-gram tables and their projections are replaced by more experts.
  bool vanilla = false;
  double init_std = 0.02;        // of matrices; output matrices are scaled down by depth
  double word_table_std = 0.02;  // before amplification
  double ngram_table_std = 0;    // sub-tables start at zero (study 4.2)
};

enum class Choice { measured, f32, bf16 };  // of what matrix products are computed in

struct Routing {
  double bias_rate = 0.003;         // mu of the bias update
  double ffn_experts_wanted = 0;    // K_e; 0 = top-k scaled by the share of FFN experts
  double balance_loss = 0.01;       // alpha of the device-group balance loss
  std::int64_t balance_groups = 1;  // D
  double hidden_z_loss = 0;         // lambda
};

struct TableOptimizer {
  enum class Kind { row_adam, row_adagrad, adam };  // chosen by measurement: docs/train.md
  Kind kind = Kind::row_adam;
  double learning_rate_factor = 1;
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-10;
  enum class Storage { resident, mapped } storage = Storage::resident;
  enum class Numbers { f32, bf16 } numbers = Numbers::f32;  // bf16 rounds stochastically
};

struct DenseOptimizer {
  enum class Kind { adamw, muon };  // muon: hidden matrices by Muon, the rest by AdamW
  Kind kind = Kind::muon;
  double learning_rate = 8e-3;
  double muon_learning_rate = 0.02, muon_momentum = 0.95;
  double router_learning_rate_factor = 0.5;
  double head_learning_rate_factor = 1;
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-10;
  double weight_decay = 0;
  double clip_norm = 1;
};

struct Schedule {
  enum class Kind { constant, cosine, wsd };  // wsd: warm-up, stable, linear decay
  Kind kind = Kind::wsd;
  std::int64_t steps = 1000;
  std::int64_t warmup_steps = 80;
  double decay_from = 0.55;   // of the steps: where wsd starts to fall
  double final_fraction = 0;  // of the peak rate at the end
};

struct Data {
  std::string tokenizer;  // tokenizer.json, or a folder with one
  std::vector<std::string>
      train;  // shard folders written by `nestor data`, or text files that are packed first
  std::vector<std::string> heldout;  // the same; empty: the held-out split of `train`
  std::int64_t window = 512;         // T: tokens of a row
  std::int64_t rows = 8;             // B: rows of a batch
};

struct Reporting {
  std::int64_t log_every = 10;  // steps
  std::int64_t evaluate_every = 200;
  std::int64_t evaluate_tokens = 16384;
  std::int64_t save_every = 200;  // snapshots: what SIGKILL can lose at most
};

struct Recipe {
  std::string name = "run";
  std::uint64_t seed = 1;
  std::string device = "cpu";  // or "cuda", "cuda:1"
  int threads = 0;             // 0 = one for each processor
  Choice products = Choice::measured;
  Modeling model;
  Routing routing;
  TableOptimizer tables;
  DenseOptimizer dense;
  Schedule schedule;
  Data data;
  Reporting reporting;
};

}  // namespace nestor::recipe
