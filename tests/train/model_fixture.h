// Small models for the tests of the trainer's modules: configurations of every kind, tables in memory,
// batches of several documents in a row, and activations by name.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "corpus/loader.h"
#include "train/modules/causal_lm.h"
#include "train/tables/row_table.h"

namespace nestor::testing {

/// Rows in memory; an update subtracts learning_rate times the gradient.
class MemoryTable final : public train::RowTable {
 public:
  MemoryTable(std::string name, std::int64_t rows, std::int64_t width)
      : name_(std::move(name)), rows_(rows), width_(width), values(static_cast<std::size_t>(rows * width)) {}

  const std::string& name() const override { return name_; }
  std::int64_t rows() const override { return rows_; }
  std::int64_t width() const override { return width_; }
  std::uint64_t bytes() const override { return values.size() * sizeof(float); }
  void gather(std::span<const std::int64_t> rows, std::span<float> out) const override;
  void update(std::span<const std::int64_t> rows, std::span<const float> gradients,
              const train::RowStep& step) override;
  void assign(std::int64_t first, std::span<const float> rows) override;
  void save(const std::filesystem::path&, std::int64_t) override {}
  void load(const std::filesystem::path&, std::int64_t) override {}
  void prune(const std::filesystem::path&, std::span<const std::int64_t>) const override {}

 private:
  std::string name_;
  std::int64_t rows_, width_;

 public:
  std::vector<float> values;
};

/// A tiny model of the family; `changes` are keys of config.json that differ. A null value removes a key.
Json tiny_config(const Json& changes = Json::object());
/// Configurations that differ in every size and in the variant of the embedding.
std::vector<std::pair<std::string, Json>> model_zoo();

/// A model with its tables. Every value is random, norms, biases and n-gram tables too, so that each has a
/// say.
struct TrainingModel {
  TrainingModel(const Json& config, std::uint64_t seed, torch::ScalarType dtype = torch::kFloat32,
                const recipe::Routing& routing = {}, torch::Device device = torch::kCPU);

  train::Inputs read(const corpus::Batch& batch, const train::Purpose& purpose = {}) const;
  std::vector<const train::RowTable*> read_tables() const;
  std::vector<train::RowTable*> write_tables();

  Json config_json;
  std::unique_ptr<train::CausalLm> lm;
  std::vector<std::unique_ptr<MemoryTable>> tables;
};

/// rows x window random tokens; every row is cut into documents, all but the last ended by EOS.
corpus::Batch random_batch(const config::ModelConfig& config, std::int64_t rows, std::int64_t window,
                           std::uint64_t seed);
/// One row that is one document.
corpus::Batch one_document(const std::vector<TokenId>& ids);
/// The documents of a batch, in order.
std::vector<std::vector<TokenId>> documents_of(const corpus::Batch& batch);

class Activations : public train::Observer {
 public:
  void see(std::string_view layer, std::string_view part, const torch::Tensor& value) override;
  std::map<std::string, std::vector<float>> seen;
  std::map<std::string, std::vector<std::int64_t>> chosen;
};

std::vector<float> floats_of(const torch::Tensor& tensor);

}  // namespace nestor::testing
