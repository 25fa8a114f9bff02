// The whole model on a GPU against the CPU, where there is one: losses, counts of picks and every gradient.
#include <gtest/gtest.h>

#include <optional>

#include "base/error.h"
#include "config/parse_config.h"
#include "train/loop/machine.h"
#include "train/model_fixture.h"

namespace nestor::train {
namespace {

using testing::TrainingModel;
using torch::Tensor;

std::optional<torch::Device> gpu() {
  try {
    return open_device("cuda");
  } catch (const Error&) {
    return std::nullopt;
  }
}

struct Stepped {
  Losses losses;
  std::vector<Tensor> gradients;  // of the parameters, then of the rows of the tables
};

Stepped step(const Json& config, const torch::Device& device) {
  TrainingModel model(config, 5, torch::kFloat32, {}, device);
  const corpus::Batch batch = testing::random_batch(config::parse_config(config, "test"), 3, 40, 9);
  const Inputs inputs = model.read(batch, {Purpose::Kind::train, model.lm->draft_rows(batch.rows)});
  Stepped result{model.lm->losses(inputs), {}};
  result.losses.total.backward();
  const auto keep = [&](const Tensor& gradient) {
    result.gradients.push_back(gradient.defined() ? gradient.cpu().to(torch::kFloat64) : Tensor());
  };
  for (const Parameter& parameter : model.lm->parameters()) keep(parameter.tensor.grad());
  for (const TableLookup* lookup : inputs.lookups()) keep(lookup->leaf.grad());
  return result;
}

// Both compute in float32, in other orders: each value of a chain of some 100 operations is rounded by a unit
// of 2^-24 of itself, and a sum of up to 120 x 64 terms as many times, with random signs: below 1e-4 in norm.
constexpr double kClose = 1e-4;

TEST(Device, AGpuComputesTheLossesAndGradientsOfTheCpu) {
  const auto device = gpu();
  if (!device) GTEST_SKIP() << "no GPU that libtorch can use";
  for (const auto& [name, config] : testing::model_zoo()) {
    SCOPED_TRACE(name);
    const Stepped here = step(config, torch::kCPU), there = step(config, *device);
    const double loss = here.losses.total.item<double>();
    EXPECT_NEAR(there.losses.total.item<double>(), loss, kClose * loss);
    for (std::size_t n = 0; n < here.losses.counts.size(); ++n) {
      EXPECT_TRUE(torch::equal(here.losses.counts[n], there.losses.counts[n].cpu())) << n;
    }
    ASSERT_EQ(here.gradients.size(), there.gradients.size());
    for (std::size_t i = 0; i < here.gradients.size(); ++i) {
      ASSERT_EQ(here.gradients[i].defined(), there.gradients[i].defined()) << i;
      if (!here.gradients[i].defined()) continue;
      const double norm = here.gradients[i].norm().item<double>();
      EXPECT_LE((here.gradients[i] - there.gradients[i]).norm().item<double>(), kClose * norm + 1e-12) << i;
    }
  }
}

}  // namespace
}  // namespace nestor::train
