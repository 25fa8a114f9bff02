#include "train/model_fixture.h"

#include <algorithm>

#include "base/random.h"
#include "config/parse_config.h"

namespace nestor::testing {

using torch::Tensor;

void MemoryTable::gather(std::span<const std::int64_t> rows, std::span<float> out) const {
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(values.begin() + rows[i] * width_, width,
                out.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
}

void MemoryTable::update(std::span<const std::int64_t> rows, std::span<const float> gradients,
                         const train::RowStep& step) {
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t i = 0; i < rows.size() * width; ++i) {
    values[static_cast<std::size_t>(rows[i / width]) * width + i % width] -=
        static_cast<float>(step.learning_rate) * gradients[i];
  }
}

void MemoryTable::assign(std::int64_t first, std::span<const float> rows) {
  std::copy(rows.begin(), rows.end(), values.begin() + first * width_);
}

Json tiny_config(const Json& changes) {
  Json c = {{"architectures", {"LongcatFlashNgramForCausalLM"}},
            {"vocab_size", 61},
            {"hidden_size", 24},
            {"num_layers", 2},
            {"max_position_embeddings", 256},
            {"num_attention_heads", 3},
            {"q_lora_rank", 10},
            {"kv_lora_rank", 7},
            {"qk_nope_head_dim", 5},
            {"qk_rope_head_dim", 4},
            {"v_head_dim", 6},
            {"ffn_hidden_size", 30},
            {"expert_ffn_hidden_size", 9},
            {"n_routed_experts", 5},
            {"zero_expert_num", 3},
            {"moe_topk", 3},
            {"routed_scaling_factor", 2.5},
            {"rms_norm_eps", 1e-5},
            {"rope_theta", 10000.0},
            {"emb_neighbor_num", 4},
            {"emb_split_num", 2},
            {"ngram_vocab_size_ratio", 3.3},
            {"eos_token_id", 2},
            {"torch_dtype", "float32"},
            {"num_nextn_predict_layers", 1}};
  for (const auto& [key, value] : changes.items()) {
    if (value.is_null()) {
      c.erase(key);
    } else {
      c[key] = value;
    }
  }
  return c;
}

std::vector<std::pair<std::string, Json>> model_zoo() {
  const Json no_ngram = {
      {"emb_neighbor_num", nullptr}, {"emb_split_num", nullptr}, {"ngram_vocab_size_ratio", nullptr}};
  const auto with = [](Json base, const Json& more) {
    base.update(more);
    return tiny_config(base);
  };
  const Json own = {{"architectures", {"NestorForCausalLM"}}};
  const Json plne = {{"kind", "plne"},
                     {"mlp", 0},
                     {"emb_neighbor_num", 3},
                     {"emb_split_num", 3},
                     {"ngram_vocab_size_ratio", 2.7}};
  const Json yarn = {{"rope_type", "yarn"},
                     {"factor", 10.0},
                     {"beta_fast", 32.0},
                     {"beta_slow", 1.0},
                     {"mscale", 1},
                     {"mscale_all_dim", 1},
                     {"original_max_position_embeddings", 64}};
  return {
      {"lite", tiny_config()},
      {"yarn_eos_list",
       with({{"rope_scaling", yarn}, {"max_position_embeddings", 640}}, {{"eos_token_id", {2, 7}}})},
      {"bigrams_one_split",
       with({{"emb_neighbor_num", 2}, {"emb_split_num", 1}}, {{"num_layers", 1}, {"vocab_size", 64}})},
      {"five_grams", with({{"emb_neighbor_num", 5}, {"emb_split_num", 3}, {"ngram_vocab_size_ratio", 7}},
                          {{"num_attention_heads", 1}, {"q_lora_rank", 33}, {"kv_lora_rank", 17}})},
      {"no_identity_experts", with({{"zero_expert_num", 0}, {"n_routed_experts", 9}}, {{"moe_topk", 1}})},
      {"all_experts", with({{"moe_topk", 8}}, {{"mla_scale_q_lora", false}, {"mla_scale_kv_lora", false}})},
      {"plain_flash",
       with(no_ngram, {{"architectures", {"LongcatFlashForCausalLM"}}, {"num_nextn_predict_layers", 0}})},
      {"layer_norm", with(own, {{"embedding_amplification", "layer_norm"}})},
      {"ple", with(own, {{"per_layer_embedding", {{"kind", "ple"}, {"mlp", 1}}}})},
      {"plne_alone",
       [&] {
         Json changes = no_ngram;
         changes.update(own);
         changes["per_layer_embedding"] = plne;
         return tiny_config(changes);
       }()},
      {"plne_and_ngram_normed",
       with(own, {{"per_layer_embedding", plne}, {"embedding_amplification", "layer_norm"}})},
  };
}

namespace {

// Random numbers with mean, spread by `deviation`, from a stream of the test's own.
void randomise(const Tensor& tensor, std::uint64_t stream, double mean, double deviation) {
  const torch::NoGradGuard guard;
  std::vector<float> values(static_cast<std::size_t>(tensor.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(mean + deviation * static_cast<double>(normal_pair(stream, i, 77)[0]));
  }
  const_cast<Tensor&>(tensor).copy_(torch::from_blob(values.data(), tensor.sizes(), torch::kFloat32));
}

double spread_of(const train::Parameter& p) {
  return p.role == train::Role::vector ? 0.1 : 1.0 / std::sqrt(static_cast<double>(p.tensor.size(-1)));
}

}  // namespace

TrainingModel::TrainingModel(const Json& config, std::uint64_t seed, torch::ScalarType dtype,
                             const recipe::Routing& routing, torch::Device device)
    : config_json(config) {
  recipe::Modeling modeling;
  modeling.config = config::parse_config(config, "test");
  modeling.draft = modeling.config.num_nextn_predict_layers > 0;
  modeling.draft_fraction = 1;
  train::CausalLm::Options options;
  options.device = device;
  options.dtype = dtype;
  options.seed = seed;
  lm = std::make_unique<train::CausalLm>(modeling, routing, options);
  std::uint64_t stream = seed << 32;
  for (const train::Parameter& p : lm->parameters()) {
    const bool bias = p.name.ends_with(".bias");
    randomise(p.tensor, ++stream, p.role == train::Role::vector && !bias ? 1 : 0, spread_of(p));
  }
  for (const train::Buffer& b : lm->buffers()) {
    randomise(b.tensor, ++stream, 0, 0.5 / static_cast<double>(b.tensor.numel()));
  }
  for (const train::TableSpec& spec : lm->tables()) {
    tables.push_back(std::make_unique<MemoryTable>(spec.name, spec.rows, spec.width));
    ++stream;
    for (std::size_t i = 0; i < tables.back()->values.size(); ++i) {
      tables.back()->values[i] = normal_pair(stream, i, 77)[0];
    }
  }
}

std::vector<const train::RowTable*> TrainingModel::read_tables() const {
  std::vector<const train::RowTable*> list;
  for (const auto& table : tables) list.push_back(table.get());
  return list;
}

std::vector<train::RowTable*> TrainingModel::write_tables() {
  std::vector<train::RowTable*> list;
  for (const auto& table : tables) list.push_back(table.get());
  return list;
}

train::Inputs TrainingModel::read(const corpus::Batch& batch, const train::Purpose& purpose) const {
  return lm->reader().read(batch, purpose, read_tables());
}

corpus::Batch random_batch(const config::ModelConfig& config, std::int64_t rows, std::int64_t window,
                           std::uint64_t seed) {
  corpus::Batch batch;
  batch.rows = rows;
  batch.window = window;
  std::uint64_t counter = 0;
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(uniform(seed, ++counter, 99) * static_cast<double>(n));
  };
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int32_t segment = 0, position = 0;
    std::int64_t left = 1 + below(window);
    for (std::int64_t t = 0; t < window; ++t) {
      const bool end = --left == 0 && t + 1 < window;
      batch.ids.push_back(end ? config.eos_token_ids.front()
                              : static_cast<TokenId>(below(config.vocab_size)));
      batch.segments.push_back(segment);
      batch.positions.push_back(position++);
      if (end) {
        ++segment;
        position = 0;
        left = 1 + below(window / 2);
      }
    }
  }
  for (std::size_t i = 0; i < batch.ids.size(); ++i) {
    const auto follows = [&](std::size_t by) {
      const std::size_t j = i + by;
      const bool same_row = j / static_cast<std::size_t>(window) == i / static_cast<std::size_t>(window);
      return j < batch.ids.size() && same_row && batch.segments[j] == batch.segments[i] ? batch.ids[j] : -1;
    };
    batch.targets.push_back(follows(1));
    batch.second_targets.push_back(follows(2));
  }
  return batch;
}

corpus::Batch one_document(const std::vector<TokenId>& ids) {
  corpus::Batch batch;
  batch.rows = 1;
  batch.window = static_cast<std::int64_t>(ids.size());
  batch.ids = ids;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    batch.segments.push_back(0);
    batch.positions.push_back(static_cast<std::int32_t>(i));
    batch.targets.push_back(i + 1 < ids.size() ? ids[i + 1] : -1);
    batch.second_targets.push_back(i + 2 < ids.size() ? ids[i + 2] : -1);
  }
  return batch;
}

std::vector<std::vector<TokenId>> documents_of(const corpus::Batch& batch) {
  std::vector<std::vector<TokenId>> documents;
  for (std::size_t i = 0; i < batch.ids.size(); ++i) {
    if (batch.positions[i] == 0) documents.emplace_back();
    documents.back().push_back(batch.ids[i]);
  }
  return documents;
}

std::vector<float> floats_of(const Tensor& tensor) {
  const Tensor flat = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous().flatten();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

void Activations::see(std::string_view layer, std::string_view part, const Tensor& value) {
  const std::string name = std::string(layer) + std::string(part);
  if (!part.ends_with(".chosen")) {
    seen[name] = floats_of(value);
    return;
  }
  const Tensor ids = value.to(torch::kInt64).contiguous().flatten();
  chosen[name] = {ids.const_data_ptr<std::int64_t>(), ids.const_data_ptr<std::int64_t>() + ids.numel()};
}

}  // namespace nestor::testing
