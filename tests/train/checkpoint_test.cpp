// import(export(x)) = x: bitwise in float32, rounded once in bfloat16.
#include <gtest/gtest.h>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "train/model_fixture.h"
#include "train/modules/export_checkpoint.h"
#include "train/modules/import_checkpoint.h"

namespace nestor {
namespace {

std::filesystem::path exported(const testing::TrainingModel& model, const std::filesystem::path& folder) {
  train::ExportRequest request;
  request.folder = folder;
  request.config_json = model.config_json;
  export_checkpoint(*model.lm, model.read_tables(), request);
  return folder;
}

void expect_equal(const testing::TrainingModel& a, const testing::TrainingModel& b,
                  torch::ScalarType rounded) {
  const auto round = [&](const torch::Tensor& t) { return t.detach().to(rounded).to(torch::kFloat32); };
  for (std::size_t i = 0; i < a.lm->parameters().size(); ++i) {
    const auto& [name, tensor, role, slot] = a.lm->parameters()[i];
    const bool router = role == train::Role::router;  // always stored in float32
    EXPECT_TRUE(torch::equal(router ? tensor : round(tensor), b.lm->parameters()[i].tensor)) << name;
  }
  for (std::size_t i = 0; i < a.lm->buffers().size(); ++i) {
    EXPECT_TRUE(torch::equal(a.lm->buffers()[i].tensor, b.lm->buffers()[i].tensor))
        << a.lm->buffers()[i].name;
  }
  for (std::size_t i = 0; i < a.tables.size(); ++i) {
    const torch::Tensor values = torch::tensor(a.tables[i]->values);
    EXPECT_TRUE(torch::equal(round(values), torch::tensor(b.tables[i]->values))) << a.tables[i]->name();
  }
}

class CheckpointRoundTrip : public ::testing::TestWithParam<std::size_t> {};

TEST_P(CheckpointRoundTrip, FloatIsBitwise) {
  const auto [name, config] = testing::model_zoo()[GetParam()];
  const testing::ScratchFolder scratch;
  const testing::TrainingModel first(config, 5);
  testing::TrainingModel second(config, 6);
  ASSERT_FALSE(torch::equal(first.lm->parameters()[0].tensor, second.lm->parameters()[0].tensor));
  import_checkpoint(exported(first, scratch.path() / "a"), *second.lm, second.write_tables());
  expect_equal(first, second, torch::kFloat32);
  exported(second, scratch.path() / "b");
  for (const char* file : {"model.safetensors", "config.json", "generation_config.json"}) {
    EXPECT_EQ(read_file(scratch.path() / "a" / file, 1 << 26),
              read_file(scratch.path() / "b" / file, 1 << 26))
        << file;
  }
}

TEST_P(CheckpointRoundTrip, BrainFloatIsRoundedOnce) {
  auto [name, config] = testing::model_zoo()[GetParam()];
  config["torch_dtype"] = "bfloat16";
  const testing::ScratchFolder scratch;
  const testing::TrainingModel first(config, 5);
  testing::TrainingModel second(config, 6);
  import_checkpoint(exported(first, scratch.path() / "a"), *second.lm, second.write_tables());
  expect_equal(first, second, torch::kBFloat16);
}

INSTANTIATE_TEST_SUITE_P(All, CheckpointRoundTrip,
                         ::testing::Range<std::size_t>(0, testing::model_zoo().size()),
                         [](const auto& test) { return testing::model_zoo()[test.param].first; });

TEST(ExportCheckpoint, WritesTheTokenizersFilesAndNothingHalf) {
  const testing::ScratchFolder scratch;
  const testing::TrainingModel model(testing::tiny_config(), 5);
  train::ExportRequest request;
  request.folder = scratch.path() / "out" / "final";
  request.config_json = model.config_json;
  request.tokenizer = scratch.write("tokenizer/tokenizer.json", "{\"a\": 1}");
  scratch.write("tokenizer/tokenizer_config.json", "{\"chat_template\": \"x\"}");
  scratch.write("out/final.partial/left.over", "from an attempt that was killed");
  export_checkpoint(*model.lm, model.read_tables(), request);
  EXPECT_EQ(read_file(request.folder / "tokenizer.json", 100), "{\"a\": 1}");
  EXPECT_EQ(read_file(request.folder / "tokenizer_config.json", 100), "{\"chat_template\": \"x\"}");
  EXPECT_EQ(read_json(request.folder / "generation_config.json", 1000)["eos_token_id"], 2);
  EXPECT_FALSE(std::filesystem::exists(request.folder / "left.over"));
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "out" / "final.partial"));
  EXPECT_REFUSED(export_checkpoint(*model.lm, model.read_tables(), request), ErrorKind::usage,
                 "already there");
}

TEST(ExportCheckpoint, ADraftBlockIsInAnIndex) {
  const testing::ScratchFolder scratch;
  for (const int blocks : {0, 1}) {
    SCOPED_TRACE(blocks);
    const testing::TrainingModel model(testing::tiny_config({{"num_nextn_predict_layers", blocks}}), 5);
    const auto folder = exported(model, scratch.path() / std::to_string(blocks));
    const checkpoint::Checkpoint files(folder);  // which holds them against the index
    const auto index = folder / "model.safetensors.index.json";
    ASSERT_EQ(std::filesystem::exists(index), blocks == 1);
    if (blocks == 0) continue;
    const Json json = read_json(index, 1 << 20);
    EXPECT_EQ(json["weight_map"].size(), files.tensors().size());
    EXPECT_EQ(json["weight_map"]["model.mtp.norm.weight"], "model.safetensors");
    std::uint64_t bytes = 0;
    for (const auto& [name, tensor] : files.tensors()) bytes += tensor.entry->bytes;
    EXPECT_EQ(json["metadata"]["total_size"], bytes);
    EXPECT_TRUE(files.unused_files().empty());
  }
}

TEST(ExportCheckpoint, RefusesAnotherModelsConfiguration) {
  const testing::ScratchFolder scratch;
  const testing::TrainingModel model(testing::tiny_config(), 5);
  train::ExportRequest request;
  request.folder = scratch.path() / "final";
  request.config_json = testing::tiny_config({{"ffn_hidden_size", 31}});
  EXPECT_REFUSED(export_checkpoint(*model.lm, model.read_tables(), request), ErrorKind::bad_input, "mlps.0");
  EXPECT_FALSE(std::filesystem::exists(request.folder));
}

}  // namespace
}  // namespace nestor
