// The trained model is the model that runs: every activation of the training modules against the inference
// engine's, for the same weights, in float32. A batch with several documents in a row is compared with each
// document as a sequence of its own, so that segments of attention, positions and hash are tested by the way.
//
// Tolerance. Both sides compute in float32 and add in different orders. A product over K terms is off by at
// most K u sum|x w|, u = 2^-24, and typically by sqrt(K) u of the result's size. A value passes at most 10
// products of K <= 64 in a layer and 2 layers: typically sqrt(20 * 64) u = 2e-6 of the largest value, and if
// all errors of a product pointed the same way, 20 * 64 u = 8e-5. That is the bound.
#include <gtest/gtest.h>

#include "kernels/registry.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/recorder.h"
#include "support/scratch_folder.h"
#include "train/model_fixture.h"
#include "train/modules/export_checkpoint.h"

namespace nestor {
namespace {

constexpr double kTolerance = 20 * 64 * 0x1p-24;

class EngineParity : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EngineParity, EveryActivationOfEveryDocumentAgrees) {
  const auto [name, config] = testing::model_zoo()[GetParam()];
  const testing::TrainingModel trained(config, 5);
  const corpus::Batch batch = testing::random_batch(trained.lm->config(), 3, 19, 11);
  testing::Activations expected;
  const torch::Tensor logits = trained.lm->logits(trained.read(batch), expected);
  ASSERT_EQ(logits.size(0), 57);

  const testing::ScratchFolder scratch;
  train::ExportRequest request;
  request.folder = scratch.path() / "model";
  request.config_json = trained.config_json;
  export_checkpoint(*trained.lm, trained.read_tables(), request);

  for (const std::string_view kernels : kernels::runnable_sets(cpu_info())) {
    const auto engine = testing::open_model(request.folder, kernels);
    std::vector<std::unique_ptr<lm::Sequence>> sequences;
    std::vector<lm::Chunk> chunks;
    const auto documents = testing::documents_of(batch);
    ASSERT_GT(documents.size(), 4U);
    for (const auto& ids : documents) {
      sequences.push_back(std::make_unique<lm::Sequence>(*engine));
      chunks.push_back({sequences.back()->id(), ids, std::ssize(ids)});
    }
    testing::Recorder recorder;
    engine->forward(chunks, recorder);
    EXPECT_EQ(recorder.chosen, expected.chosen) << name;
    ASSERT_EQ(recorder.seen.size(), expected.seen.size());
    for (const auto& [activation, values] : recorder.seen) {
      const auto& ours = expected.seen[activation];
      ASSERT_EQ(values.size(), ours.size()) << activation;
      EXPECT_LT(testing::relative_difference(values, ours), kTolerance)
          << name << " " << kernels << " " << activation;
    }
  }
}

// What float32 costs on our side alone: the same modules in double.
TEST_P(EngineParity, DoubleAgreesWithFloat) {
  const auto [name, config] = testing::model_zoo()[GetParam()];
  const testing::TrainingModel single(config, 5);
  const testing::TrainingModel twice(config, 5, torch::kFloat64);
  const corpus::Batch batch = testing::random_batch(single.lm->config(), 2, 21, 12);
  testing::Activations a, b;
  single.lm->logits(single.read(batch), a);
  twice.lm->logits(twice.read(batch), b);
  for (const auto& [activation, values] : a.seen) {
    EXPECT_LT(testing::relative_difference(values, b.seen[activation]), kTolerance)
        << name << " " << activation;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EngineParity, ::testing::Range<std::size_t>(0, testing::model_zoo().size()),
                         [](const auto& test) { return testing::model_zoo()[test.param].first; });

}  // namespace
}  // namespace nestor
