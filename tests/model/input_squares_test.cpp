// The importance of columns: mean squares of what matrices are multiplied with, seen from outside.
#include "model/input_squares.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/cpu.h"
#include "base/file.h"
#include "checkpoint/inventory.h"
#include "checkpoint/safetensors.h"
#include "config/parse_config.h"
#include "kernels/registry.h"
#include "layers/observer.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/scratch_folder.h"

namespace nestor {
namespace {

std::map<std::string, std::vector<float>> read(const std::filesystem::path& file) {
  const std::string content = read_file(file, 1U << 20);
  const auto bytes = std::as_bytes(std::span(content));
  std::map<std::string, std::vector<float>> all;
  for (const auto& entry : checkpoint::parse_safetensors(bytes, bytes.size(), file.string())) {
    auto& values = all[entry.name];
    values.resize(static_cast<std::size_t>(entry.shape[0]));
    std::memcpy(values.data(), bytes.data() + entry.begin, entry.bytes);
  }
  return all;
}

// Keeps the inputs of the head, and what a layer adds.
class Norms : public layers::Observer {
 public:
  void see(std::string_view layer, std::string_view, kernels::Rows values, std::int64_t rows,
           std::int64_t cols) override {
    if (layer != "model.norm") return;
    squares.resize(static_cast<std::size_t>(cols));
    for (std::int64_t t = 0; t < rows; ++t) {
      for (std::int64_t i = 0; i < cols; ++i)
        squares[static_cast<std::size_t>(i)] += static_cast<double>(values.row(t)[i]) * values.row(t)[i];
    }
    count += rows;
  }
  std::vector<double> squares;
  std::int64_t count = 0;
};

class InputSquares : public ::testing::TestWithParam<const char*> {};

TEST_P(InputSquares, AreThoseOfEveryMatrixThatWasUsed) {
  const auto folder = testing::golden_folder(GetParam());
  const auto config = config::read_config(folder / "config.json");
  model::ModelOptions options;
  options.ops = &kernels::select_set("auto", cpu_info());
  options.threads = 2;
  const auto opened =
      model::open_model(config, std::make_shared<const checkpoint::Checkpoint>(folder), options);
  model::Model& model = *opened;
  const model::InputSquares& inputs = model.collect_inputs();
  const lm::Sequence sequence(model);
  Norms norms;
  for (const std::vector<TokenId>& ids : {std::vector<TokenId>{1, 17, 3, 24, 9}, {2, 8, 30, 7}}) {
    const std::vector<lm::Chunk> batch = {{sequence.id(), ids, std::ssize(ids)}};
    model.forward(batch, norms);
  }
  const testing::ScratchFolder scratch;
  inputs.write(scratch.path() / "importance");
  const auto columns = read(scratch.path() / "importance");
  EXPECT_EQ(columns.size(), inputs.matrices());

  const auto& head = columns.at("lm_head.weight");
  ASSERT_EQ(head.size(), norms.squares.size());
  for (std::size_t i = 0; i < head.size(); ++i)
    EXPECT_FLOAT_EQ(head[i], static_cast<float>(norms.squares[i] / static_cast<double>(norms.count)));
  // Matrices that read the same have the same, and every matrix outside of experts is there.
  EXPECT_EQ(columns.at("model.layers.0.self_attn.1.q_a_proj.weight"),
            columns.at("model.layers.0.self_attn.1.kv_a_proj_with_mqa.weight"));
  std::size_t experts = 0;
  config::NameLayout layout = checkpoint::layout_of(config, checkpoint::Checkpoint(folder));
  layout.experts = config::NameLayout::Experts::separate;
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& t) {
    if (t.rank != 2 || t.slot.part == config::Part::draft || t.storage == config::Storage::table) return;
    const auto found = columns.find(t.name);
    if (t.slot.part == config::Part::experts) {
      experts += found != columns.end() ? 1 : 0;
      return;
    }
    ASSERT_NE(found, columns.end()) << t.name;
    EXPECT_EQ(std::ssize(found->second), t.shape[1]) << t.name;
    for (const float v : found->second) EXPECT_GE(v, 0) << t.name;
  });
  EXPECT_GT(experts, 0U);
  EXPECT_EQ(experts % 3, 0U);
}

INSTANTIATE_TEST_SUITE_P(Golden, InputSquares,
                         ::testing::Values("lite_small", "variant_plne", "n3k2", "fp8"));

}  // namespace
}  // namespace nestor
