// Mistakes that other engines made with the weights of such models.
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "config/tensor_list.h"
#include "hash/ngram_hash.h"
#include "kernels/experts.h"
#include "kernels/registry.h"
#include "layers/observer.h"
#include "lm/sequence.h"
#include "quant/matrix.h"
#include "support/golden.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor {
namespace {

using testing::ScratchFolder;

constexpr std::uint64_t kMostBytes = 16U << 20;

// A golden checkpoint of one file with some text of the file replaced by another of the same length.
std::unique_ptr<model::Model> open_changed(const std::string& golden, const std::string& from,
                                           const std::string& to) {
  const auto source = testing::golden_folder(golden);
  const ScratchFolder folder;
  std::string bytes = read_file(source / "model.safetensors", kMostBytes);
  const std::size_t at = bytes.find(from);
  if (at == std::string::npos || from.size() != to.size()) throw std::runtime_error("cannot change " + from);
  bytes.replace(at, from.size(), to);
  folder.write("model.safetensors", bytes);
  folder.write("config.json", read_file(source / "config.json", kMostBytes));
  return testing::open_model(folder.path(), "reference");
}

std::vector<double> row_of(const checkpoint::Checkpoint& files, const std::string& name, std::int64_t row) {
  const checkpoint::StoredTensor* tensor = files.find(name);
  if (tensor == nullptr) throw std::runtime_error("no tensor " + name);
  const auto& shape = tensor->entry->shape;
  const auto view =
      quant::matrix_view(tensor->bytes().data(), *quant::format_of(tensor->entry->dtype), shape[0], shape[1]);
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape[1]; ++i) values.push_back(quant::element(view, row, i));
  return values;
}

struct EmbedRecorder : layers::Observer {
  void see(std::string_view layer, std::string_view part, kernels::Rows values, std::int64_t rows,
           std::int64_t cols) override {
    if (std::string(layer) + std::string(part) == "embed")
      seen.assign(values.row(rows - 1), values.row(rows - 1) + cols);
  }
  std::vector<float> seen;
};

// The word row is divided like the n-gram rows: the mean of all 1 + tables parts.
TEST(Traps, T16_TheWordRowIsOnePartOfTheMean) {
  const auto folder = testing::golden_folder("n3k2");
  const auto model = testing::open_model(folder, "reference");
  const checkpoint::Checkpoint files(folder);
  const std::vector<TokenId> ids = {11, 5, 17, 23};
  const hash::NgramHash hash(*model->config().ngram, model->config().eos_token_ids);
  const auto rows = hash.rows_from(ids, ids.size() - 1);
  const auto name = [&](config::Part part, config::Field field, std::int64_t i) {
    return config::tensor_name(model->config(), {}, {.part = part, .field = field, .index = i});
  };
  std::vector<double> expected = row_of(files, "model.embed_tokens.weight", ids.back());
  for (std::int64_t i = 0; i < hash.tables(); ++i) {
    const auto row = row_of(files, name(config::Part::ngram_table, config::Field::table, i),
                            rows[static_cast<std::size_t>(i)]);
    for (std::size_t h = 0; h < expected.size(); ++h) {
      const auto weights = row_of(files, name(config::Part::ngram_projection, config::Field::projection, i),
                                  static_cast<std::int64_t>(h));
      for (std::size_t k = 0; k < row.size(); ++k) expected[h] += weights[k] * row[k];
    }
  }
  EmbedRecorder recorder;
  const lm::Sequence sequence(*model);
  const std::vector<lm::Chunk> batch = {{sequence.id(), ids, 0}};
  model->forward(batch, recorder);
  ASSERT_EQ(recorder.seen.size(), expected.size());
  for (std::size_t h = 0; h < expected.size(); ++h) {
    // Some 50 terms of size up to 10 in float32: 50 * 2^-24 * 10 = 3e-5.
    EXPECT_NEAR(recorder.seen[h], expected[h] / static_cast<double>(1 + hash.tables()), 3e-5) << h;
  }
}

// A tensor that nothing reads was dropped with a warning, and the model ran without it.
TEST(Traps, T17_ATensorWithAnotherNameIsAnError) {
  EXPECT_NO_THROW(open_changed("n3k2", "lm_head.weight", "lm_head.weight"));
  EXPECT_REFUSED(open_changed("n3k2", "model.ngram_embeddings.embedders.3.weight",
                              "model.ngram_embeddings.embedders.7.weight"),
                 ErrorKind::bad_input, "missing tensors: model.ngram_embeddings.embedders.3.weight");
}

// Eight-bit weights whose scale is overlooked are some thousand times too large.
TEST(Traps, T18_EightBitWeightsWithoutTheirScaleAreAnError) {
  const std::string name = "model.layers.0.self_attn.0.q_a_proj.weight_scale_inv";
  EXPECT_NO_THROW(open_changed("fp8", name, name));
  EXPECT_REFUSED(open_changed("fp8", name, "model.layers.0.self_attn.0.q_a_proj.weight_scale_xyz"),
                 ErrorKind::bad_input, "missing tensors: " + name);
}

// Identity experts: the sum of their weights times the mixture's input, the scaling factor included.
TEST(Traps, T20_IdentityExpertsReturnTheirInputTimesTheirWeight) {
  for (const std::string_view set : kernels::runnable_sets(cpu_info())) {
    kernels::Team team(2);
    kernels::Arena arena;
    kernels::Work work;
    const kernels::Context context = {kernels::select_set(set, cpu_info()), team, arena, work};
    constexpr std::int64_t kHidden = 17;
    std::vector<float> x(2 * kHidden);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.25F * static_cast<float>(i) - 3;
    std::vector<float> y(x.size(), 99.0F);
    const std::vector<std::int32_t> picked = {0, 1, 2, 2, 0, 1};  // no expert has weights: all are identities
    const std::vector<float> weights = {0.5F, 0.25F, 1, 0, 2, 4};
    const kernels::Routing routing{3, picked, weights, {}};
    kernels::mix_experts(context, {}, routing, {{x.data(), kHidden}, 2, std::nullopt}, kHidden,
                         {y.data(), kHidden});
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(y[i], x[i] * (i < kHidden ? 1.75F : 6.0F)) << set << " " << i;  // exact in binary
    }
  }
}

// Those weights are the scaling factor times the unbiased probabilities; the bias only chooses.
TEST(Traps, T20_TheScalingFactorAppliesAndTheBiasDoesNot) {
  kernels::Team team(1);
  kernels::Arena arena;
  kernels::Work work;
  const kernels::Context context = {kernels::select_set("reference", cpu_info()), team, arena, work};
  const std::vector<float> classifier = {1, 0, 0, 1, 1, 1, 0, 0};  // four experts of two inputs
  const std::vector<float> bias = {0, 0, 5, 7};
  const auto view = quant::matrix_view(classifier.data(), quant::Format::f32, 4, 2);
  std::vector<float> x = {0.5F, -1.0F};
  const kernels::Routing routing = kernels::route(context, {view, bias.data(), 2, 6.0F}, {x.data(), 2}, 1);
  EXPECT_EQ(std::vector(routing.expert.begin(), routing.expert.end()), (std::vector<std::int32_t>{3, 2}));
  const double sum = std::exp(0.5) + std::exp(-1.0) + std::exp(-0.5) + 1;
  EXPECT_NEAR(routing.weight[0], 6 / sum, 1e-6);
  EXPECT_NEAR(routing.weight[1], 6 * std::exp(-0.5) / sum, 1e-6);
}

}  // namespace
}  // namespace nestor
