// The golden checkpoints in the training model: logits, activations and drafts of an independent
// implementation. The tolerance is that of the inference engine for the same files
// (tests/model/golden_test.cpp): products of K <= 200, 10 in a layer, up to 3 layers, and everything float32
// on both sides.
#include <gtest/gtest.h>

#include <cstdlib>

#include "config/parse_config.h"
#include "support/golden.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "train/model_fixture.h"
#include "train/modules/export_checkpoint.h"
#include "train/modules/import_checkpoint.h"

namespace nestor {
namespace {

constexpr double kTolerance = 2e-4;

// fp8 is for inference: training starts from numbers with a gradient. story and others have their cases
// elsewhere.
std::vector<std::string> trainable() {
  std::vector<std::string> names;
  for (const std::string& name : testing::golden_names()) {
    if (name != "fp8") names.push_back(name);
  }
  return names;
}

testing::TrainingModel imported(const std::string& name) {
  const auto folder = testing::golden_folder(name);
  Json config = read_json(folder / "config.json", 1 << 20);
  // Published files do not say that they have a draft block.
  if (std::filesystem::exists(folder / "expected" / "len7.mtp_ngram.npy"))
    config["num_nextn_predict_layers"] = 1;
  testing::TrainingModel model(config, 3);
  import_checkpoint(folder, *model.lm, model.write_tables());
  return model;
}

class ModelGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(ModelGolden, LogitsAgree) {
  const auto model = imported(GetParam());
  for (const auto& c : testing::golden_cases(GetParam())) {
    testing::Activations nobody;
    const auto logits =
        testing::floats_of(model.lm->logits(model.read(testing::one_document(c.ids)), nobody));
    EXPECT_LT(testing::relative_difference(logits, c.logits.floats), kTolerance) << c.name;
  }
}

TEST_P(ModelGolden, EveryActivationAgrees) {
  const auto model = imported(GetParam());
  const auto expected =
      testing::read_npz(testing::golden_folder(GetParam()) / "expected" / "len7.activations.npz");
  for (const auto& c : testing::golden_cases(GetParam())) {
    if (c.name != "len7") continue;
    testing::Activations found;
    model.lm->logits(model.read(testing::one_document(c.ids)), found);
    std::size_t compared = 0;
    for (const auto& [name, array] : expected) {
      if (name.ends_with(".chosen")) {
        EXPECT_EQ(found.chosen[name], array.whole) << name;
      } else if (!name.ends_with(".gap")) {
        EXPECT_LT(testing::relative_difference(found.seen[name], array.floats), kTolerance) << name;
        ++compared;
      }
    }
    EXPECT_EQ(compared, found.seen.size());
  }
}

// The first draft after a prompt: the prompt and the token that the target chose, as one row of a batch. The
// stored logits come from the reference in double precision.
TEST_P(ModelGolden, DraftsAgree) {
  const auto folder = testing::golden_folder(GetParam());
  const Json cases = read_json(folder / "expected" / "cases.json", 1 << 26);
  if (!cases[0].contains("mtp") || cases[0]["mtp"].is_null()) return;  // no draft block in this checkpoint
  const auto model = imported(GetParam());
  std::size_t compared = 0;
  for (const Json& c : cases) {
    const Json& expected = c["mtp"]["ngram"];
    auto ids = c["ids"].get<std::vector<TokenId>>();
    ids.push_back(expected["next"].get<TokenId>());
    const auto inputs = model.read(testing::one_document(ids), {train::Purpose::Kind::evaluate, 1});
    const torch::Tensor logits = model.lm->draft_logits(inputs);
    const auto stored = testing::read_npy(folder / "expected" / expected["logits"].get<std::string>());
    const std::span first(stored.floats.data(), static_cast<std::size_t>(stored.cols()));
    const auto row = testing::floats_of(logits[static_cast<std::int64_t>(ids.size()) - 2]);
    EXPECT_LT(testing::relative_difference(row, first), kTolerance) << c["name"];
    ++compared;
  }
  EXPECT_GT(compared, 5U);
}

INSTANTIATE_TEST_SUITE_P(All, ModelGolden, ::testing::ValuesIn(trainable()),
                         [](const auto& test) { return test.param; });

// A model that the trainer made, exported, and computed by the NumPy implementation of tests/data/golden: how
// the stored logits came about stands in tests/data/train/README.md.
TEST(ModelGolden, ExportedModelsAreReadByAnotherImplementation) {
  const std::vector<TokenId> ids = {5, 17, 2, 40, 60, 0, 33, 33, 7, 2, 2, 58, 1, 9};
  std::size_t compared = 0;
  for (const auto& [name, config] : testing::model_zoo()) {
    const auto stored = nestor::testing::test_data_folder() / "train" / (name + ".logits.npy");
    if (!std::filesystem::exists(stored)) continue;
    const testing::TrainingModel model(config, 5);
    if (const char* folder = std::getenv("NESTOR_EXPORT_TO"); folder != nullptr) {
      export_checkpoint(*model.lm, model.read_tables(),
                        {std::filesystem::path(folder) / name, config, {}, {}, {}});
    }
    testing::Activations nobody;
    const auto logits = testing::floats_of(model.lm->logits(model.read(testing::one_document(ids)), nobody));
    EXPECT_LT(testing::relative_difference(logits, testing::read_npy(stored).floats), kTolerance) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 2U);
}

TEST(ModelGolden, EightBitWeightsAreRefused) {
  const auto folder = testing::golden_folder("fp8");
  testing::TrainingModel model(read_json(folder / "config.json", 1 << 20), 3);
  EXPECT_REFUSED(import_checkpoint(folder, *model.lm, model.write_tables()), ErrorKind::unsupported,
                 "F8_E4M3");
}

TEST(ModelGolden, AnotherShapeIsRefused) {
  testing::TrainingModel model(testing::tiny_config(), 3);
  EXPECT_REFUSED(import_checkpoint(testing::golden_folder("n3k2"), *model.lm, model.write_tables()),
                 ErrorKind::bad_input, "n-gram tables");
  EXPECT_REFUSED(import_checkpoint(testing::golden_folder("plain_flash"), *model.lm, model.write_tables()),
                 ErrorKind::bad_input, "n-gram tables");
}

}  // namespace
}  // namespace nestor
