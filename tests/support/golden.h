// The golden checkpoints under tests/data/golden and the cases that say what a correct engine answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/model.h"
#include "support/npy.h"

namespace nestor::testing {

/// All golden checkpoints by folder name. Those named variant_* have keys of our own and were made by
/// tests/data/golden/make_variants.py.
std::vector<std::string> golden_names();
std::filesystem::path golden_folder(const std::string& name);

struct Continuation {
  std::vector<TokenId> prompt;
  std::vector<TokenId> tokens;
};

struct GoldenCase {
  std::string name;
  std::vector<TokenId> ids;
  Json ngram_ids;  // [T][tables] or null
  Array logits;
  Continuation greedy;
  Continuation greedy_past_eos;
};

std::vector<GoldenCase> golden_cases(const std::string& name);

/// A model of a checkpoint folder on one kernel set, everything in float32.
std::unique_ptr<model::Model> open_model(const std::filesystem::path& folder, std::string_view kernels,
                                         int threads = 2, model::CacheFormat cache = model::CacheFormat::f32,
                                         model::DraftBlock draft = model::DraftBlock::none);

/// Logits of all positions, fed in chunks of at most `chunk` tokens.
std::vector<float> all_logits(model::Model& model, const std::vector<TokenId>& ids, std::size_t chunk);

/// max |a - b| / max |b|
double relative_difference(std::span<const float> a, std::span<const float> b);

}  // namespace nestor::testing
