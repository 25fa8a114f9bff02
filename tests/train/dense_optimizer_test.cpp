#include "train/optimizer/dense_optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "support/refusal.h"
#include "train/optimizer/muon.h"

namespace nestor::train {
namespace {

using Options = recipe::DenseOptimizer;
using torch::Tensor;

Options options_of(Options::Kind kind) {
  Options options;
  options.kind = kind;
  options.learning_rate = 0.01;
  options.muon_learning_rate = 0.02;
  options.weight_decay = 0.1;
  options.epsilon = 1e-8;
  return options;
}

std::vector<Parameter> some_parameters(torch::ScalarType type) {
  torch::manual_seed(1);
  std::vector<Parameter> parameters = {{"matrix", torch::randn({40, 24}), Role::matrix},
                                       {"experts",
                                        torch::randn({3, 16, 8}),
                                        Role::expert_stack,
                                        {config::Part::experts, config::Field::gate_up}},
                                       {"head", torch::randn({300, 24}), Role::head},
                                       {"router", torch::randn({5, 24}), Role::router},
                                       {"projection", torch::randn({24, 24}), Role::ngram_projection},
                                       {"norm", torch::randn({24}), Role::vector}};
  for (Parameter& p : parameters) p.tensor = p.tensor.to(type).requires_grad_(true);
  return parameters;
}

void set_gradients(std::vector<Parameter>& parameters, std::int64_t step) {
  torch::manual_seed(100 + step);
  for (Parameter& p : parameters)
    p.tensor.mutable_grad() = torch::randn(p.tensor.sizes()).to(p.tensor.scalar_type());
}

std::vector<Tensor> gradients_of(const std::vector<Parameter>& parameters) {
  std::vector<Tensor> gradients;
  for (const Parameter& p : parameters) gradients.push_back(p.tensor.grad());
  return gradients;
}

double factor_of(std::int64_t step) { return 1.0 / (1.0 + 0.1 * static_cast<double>(step)); }

std::vector<Tensor> values_of(const std::vector<Parameter>& parameters) {
  std::vector<Tensor> values;
  for (const Parameter& p : parameters) values.push_back(p.tensor.detach().clone());
  return values;
}

void train(DenseOptimizer& optimizer, std::vector<Parameter>& parameters, std::int64_t from,
           std::int64_t to) {
  for (std::int64_t step = from; step <= to; ++step) {
    set_gradients(parameters, step);
    optimizer.step({step, factor_of(step), step % 2 == 0 ? 0.25 : 1.0}, gradients_of(parameters));
  }
}

// torch's own, in double, one for each group of learning rate and decay.
std::vector<Tensor> torch_adamw(const Options& o, std::int64_t steps) {
  std::vector<Parameter> parameters = some_parameters(torch::kFloat64);
  for (Parameter& p : parameters) {
    const double rate = o.learning_rate * (p.role == Role::head     ? o.head_learning_rate_factor
                                           : p.role == Role::router ? o.router_learning_rate_factor
                                                                    : 1.0);
    torch::optim::AdamWOptions options(rate);
    options.betas({o.beta1, o.beta2})
        .eps(o.epsilon)
        .weight_decay(p.role == Role::vector ? 0 : o.weight_decay);
    torch::optim::AdamW adamw({p.tensor}, options);
    for (std::int64_t step = 1; step <= steps; ++step) {
      set_gradients(parameters, step);
      if (step % 2 == 0) p.tensor.mutable_grad().mul_(0.25);
      static_cast<torch::optim::AdamWOptions&>(adamw.param_groups()[0].options()).lr(rate * factor_of(step));
      adamw.step();
    }
  }
  return values_of(parameters);
}

// Double through torch's operations: the same formula up to the order of its factors, whose constants are
// float32: a step is wrong by some 2^-22 of itself. In float32 through our own loops, each step adds at most
// 3 roundings of the value (|p| < 5) and some 12 of the step (<= 4 rates).
TEST(DenseOptimizer, AdamWIsTorchs) {
  Options options = options_of(Options::Kind::adamw);
  options.head_learning_rate_factor = 2;
  constexpr std::int64_t kSteps = 30;
  const auto expected = torch_adamw(options, kSteps);
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    std::vector<Parameter> parameters = some_parameters(type);
    DenseOptimizer optimizer(parameters, options);
    train(optimizer, parameters, 1, kSteps);
    const double rate = 2 * options.learning_rate;
    const double bound = type == torch::kFloat64 ? kSteps * 4 * rate * 0x1p-22
                                                 : kSteps * (3 * 5 * 0x1p-24 + 12 * 4 * rate * 0x1p-24);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Tensor difference = parameters[i].tensor.detach().to(torch::kFloat64) - expected[i];
      EXPECT_LE(difference.abs().max().item<double>(), bound) << parameters[i].name;
    }
  }
}

// Two steps by hand from the formulas of the header, on a matrix and on a stack of which each expert has two
// matrices.
Tensor muon_by_hand(const Options& options, std::size_t which, torch::ScalarType type) {
  std::vector<Parameter> parameters = some_parameters(type);
  Tensor p = parameters[which].tensor.detach().clone(), buffer = torch::zeros_like(p);
  const std::int64_t pieces = which == 1 ? 2 : 1, out = p.size(-2) / pieces, in = p.size(-1);
  for (std::int64_t step = 1; step <= 2; ++step) {
    set_gradients(parameters, step);
    const Tensor g = parameters[which].tensor.grad() * (step == 2 ? 0.25 : 1.0);
    buffer = buffer * options.muon_momentum + g;
    const Tensor direction = (g + buffer * options.muon_momentum).reshape({-1, out, in});
    Tensor update = torch::empty_like(direction);
    for (std::int64_t j = 0; j < direction.size(0); ++j) {
      update[j] = orthogonalized(direction.slice(0, j, j + 1), ops::Products::f32)[0];
    }
    const double rate = options.muon_learning_rate * factor_of(step);
    p = p * (1 - rate * options.weight_decay) - rate * muon_scale(out, in) * update.view(p.sizes());
  }
  return p;
}

// Steps are at most 0.02 * 1.6 large. In double, what differs is the momentum, a float32: 2^-25 of it,
// amplified at most 485 times by the iteration (muon_test). In float32 the iteration's own 15 products of at
// most 26 terms count.
TEST(DenseOptimizer, MuonTakesHiddenMatricesOneByOne) {
  const Options options = options_of(Options::Kind::muon);
  for (const auto& [type, roundings] : {std::pair{torch::kFloat64, 1}, {torch::kFloat32, 15 * 26}}) {
    std::vector<Parameter> parameters = some_parameters(type);
    DenseOptimizer optimizer(parameters, options);
    train(optimizer, parameters, 1, 2);
    for (const std::size_t which : {0U, 1U}) {
      const Tensor difference = parameters[which].tensor.detach() - muon_by_hand(options, which, type);
      EXPECT_LE(difference.abs().max().item<double>(), 2 * 0.02 * 1.6 * 485 * roundings * 0x1p-24);
    }
  }
}

TEST(DenseOptimizer, ThreadsAndRepetitionsChangeNoBit) {
  for (const auto kind : {Options::Kind::adamw, Options::Kind::muon}) {
    const auto values_with = [&](int threads) {
      at::set_num_threads(threads);
      std::vector<Parameter> parameters = some_parameters(torch::kFloat32);
      parameters.push_back({"large", torch::zeros({300, 400}).requires_grad_(true), Role::head});
      DenseOptimizer optimizer(parameters, options_of(kind));
      train(optimizer, parameters, 1, 4);
      return values_of(parameters);
    };
    const int before = at::get_num_threads();
    const auto one = values_with(1), again = values_with(1), two = values_with(2);
    at::set_num_threads(before);
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(torch::equal(one[i], again[i]));
      // Muon's products are torch's, which promises nothing for another number of threads.
      if (kind == Options::Kind::adamw) {
        EXPECT_TRUE(torch::equal(one[i], two[i]));
      }
    }
  }
}

TEST(DenseOptimizer, RestoredStateGoesOnBitwise) {
  for (const auto kind : {Options::Kind::adamw, Options::Kind::muon}) {
    std::vector<Parameter> parameters = some_parameters(torch::kFloat32);
    DenseOptimizer optimizer(parameters, options_of(kind));
    train(optimizer, parameters, 1, 5);
    std::map<std::string, Tensor> saved;
    for (const Buffer& buffer : optimizer.state()) saved[buffer.name] = buffer.tensor.clone();
    const auto values = values_of(parameters);
    train(optimizer, parameters, 6, 9);

    std::vector<Parameter> others = some_parameters(torch::kFloat32);
    DenseOptimizer resumed(others, options_of(kind));
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < others.size(); ++i) others[i].tensor.copy_(values[i]);
    EXPECT_EQ(resumed.state().size(), saved.size());
    for (const Buffer& buffer : resumed.state()) Tensor(buffer.tensor).copy_(saved.at(buffer.name));
    train(resumed, others, 6, 9);
    for (std::size_t i = 0; i < others.size(); ++i)
      EXPECT_TRUE(torch::equal(parameters[i].tensor, others[i].tensor));
  }
}

TEST(DenseOptimizer, LeavesAloneWhatHasNoGradient) {
  std::vector<Parameter> parameters = some_parameters(torch::kFloat32);
  const auto before = values_of(parameters);
  DenseOptimizer optimizer(parameters, options_of(Options::Kind::muon));
  set_gradients(parameters, 1);
  parameters[0].tensor.mutable_grad().reset();
  optimizer.step({1, 1, 1}, gradients_of(parameters));
  EXPECT_TRUE(torch::equal(before[0], parameters[0].tensor));
  EXPECT_FALSE(torch::equal(before[2], parameters[2].tensor));
}

TEST(DenseOptimizer, RefusesShapesThatAreNotOfTheRole) {
  EXPECT_REFUSED(DenseOptimizer({{"a", torch::zeros({3}), Role::matrix}}, options_of(Options::Kind::muon)),
                 ErrorKind::internal, "1 dimensions do not fit");
  EXPECT_REFUSED(
      DenseOptimizer({{"a", torch::zeros({3, 4}).t(), Role::matrix}}, options_of(Options::Kind::muon)),
      ErrorKind::internal, "not contiguous");
}

}  // namespace
}  // namespace nestor::train
