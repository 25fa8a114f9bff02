// Gradients of the whole loss (tokens, draft, balance, hidden z) against central differences in double, for
// some elements of every parameter and of the rows of every table.
//
// Tolerance. With step h the difference quotient is off by h^2 f''' / 6 and by the rounding of f over h. h =
// 1e-5, f about 10, sums of some thousand terms that err by about 30 units of 2^-53: 10 * 30 * 1e-16 / 1e-5 =
// 3e-9, and f''' of 1000 (norms of values near zero bend sharply) gives 2e-8. 1e-6 of the gradient's own size
// is for what is large.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "train/model_fixture.h"

namespace nestor {
namespace {

constexpr double kStep = 1e-5;

class ModelGradient : public ::testing::TestWithParam<std::size_t> {};

void expect_gradient(const std::string& name, torch::Tensor tensor, const std::function<double()>& loss) {
  const torch::Tensor gradient = tensor.grad();
  ASSERT_TRUE(gradient.defined()) << name;
  EXPECT_GT(gradient.abs().max().item<double>(), 0) << name;
  const torch::NoGradGuard guard;
  torch::Tensor values = tensor.view({-1});
  // The largest component, which must not be wrong, and one at a fixed odd place.
  for (const std::int64_t i : {gradient.abs().argmax().item<std::int64_t>(), tensor.numel() / 3}) {
    const double before = values[i].item<double>();
    values[i] = before + kStep;
    const double above = loss();
    values[i] = before - kStep;
    const double below = loss();
    values[i] = before;
    const double found = gradient.view({-1})[i].item<double>();
    EXPECT_NEAR((above - below) / (2 * kStep), found, 3e-8 + 1e-6 * std::fabs(found)) << name << " " << i;
  }
}

TEST_P(ModelGradient, AgreesWithCentralDifferences) {
  const auto [name, config] = testing::model_zoo()[GetParam()];
  recipe::Routing routing;
  routing.balance_loss = 0.3;
  routing.balance_groups = 2;
  routing.hidden_z_loss = 0.05;
  const testing::TrainingModel model(config, 5, torch::kFloat64, routing);
  const corpus::Batch batch = testing::random_batch(model.lm->config(), 2, 9, 4);
  const train::Inputs inputs = model.read(batch, {train::Purpose::Kind::train, model.lm->draft_rows(2)});
  model.lm->losses(inputs).total.backward();
  const auto loss = [&] { return model.lm->losses(inputs).total.item<double>(); };
  for (const train::Parameter& p : model.lm->parameters()) expect_gradient(p.name, p.tensor, loss);
  for (std::size_t t = 0; t < model.tables.size(); ++t) {
    expect_gradient(model.tables[t]->name(), inputs.lookups()[t]->leaf, loss);
  }
  for (const train::Buffer& b : model.lm->buffers()) EXPECT_FALSE(b.tensor.requires_grad()) << b.name;
}

INSTANTIATE_TEST_SUITE_P(All, ModelGradient, ::testing::Range<std::size_t>(0, testing::model_zoo().size()),
                         [](const auto& test) { return testing::model_zoo()[test.param].first; });

// A step against the gradient, in tables and parameters alike, makes the loss smaller.
TEST(ModelTraining, LearnsABatchByHeart) {
  testing::TrainingModel model(testing::tiny_config(), 5);
  const corpus::Batch batch = testing::random_batch(model.lm->config(), 2, 16, 4);
  std::vector<double> losses;
  for (int step = 0; step < 30; ++step) {
    const train::Inputs inputs = model.read(batch, {train::Purpose::Kind::train, 2});
    const train::Losses found = model.lm->losses(inputs);
    found.total.backward();
    losses.push_back(found.token_nll.item<double>() / static_cast<double>(inputs.own.scored));
    const torch::NoGradGuard guard;
    for (const train::Parameter& p : model.lm->parameters()) {
      torch::Tensor tensor = p.tensor;
      tensor.sub_(p.tensor.grad() * 0.1);
      tensor.mutable_grad().reset();
    }
    for (std::size_t t = 0; t < model.tables.size(); ++t) {
      const train::TableLookup& lookup = *inputs.lookups()[t];
      const auto gradient = testing::floats_of(lookup.leaf.grad());
      model.tables[t]->update(lookup.batch.rows, gradient, {.learning_rate = 0.5});
    }
    model.lm->update_router_biases(found.counts);
  }
  EXPECT_LT(losses.back(), 0.5 * losses.front());
}

}  // namespace
}  // namespace nestor
