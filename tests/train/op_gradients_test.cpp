// Every hand-written backward pass against central differences of its own forward pass.
#include "op_gradients.h"
#include "train/ops/ops.h"

namespace nestor::train::ops {
namespace {

using testing::expect_gradients;
using testing::normal;
constexpr auto kDouble = torch::kFloat64;
using Inputs = std::vector<Tensor>;

Tensor ids(const std::vector<std::int32_t>& values, at::IntArrayRef shape) {
  return torch::tensor(values, torch::kInt32).view(shape);
}

TEST(OpGradients, RmsNorm) {
  for (const std::int64_t rows : {1, 3, 65}) {  // 65: two blocks of sums
    expect_gradients(
        "rows " + std::to_string(rows), [](const Inputs& in) { return rms_norm(in[0], in[1], 1e-5); },
        {normal({rows, 5}, kDouble, 1), normal({5}, kDouble, 2)}, 20.0 + 5.0 * static_cast<double>(rows));
  }
}

TEST(OpGradients, Swiglu) {
  expect_gradients(
      "swiglu", [](const Inputs& in) { return swiglu(in[0], in[1]); },
      {normal({3, 17}, kDouble, 1) * 3, normal({3, 17}, kDouble, 2)}, 10 + 51);
}

TEST(OpGradients, RotateAlsoOfASlice) {
  const Tensor angle = normal({3, 2}, kDouble, 3);
  const Tensor cos = angle.cos(), sin = angle.sin();
  expect_gradients(
      "rotate", [&](const Inputs& in) { return rotate(in[0], cos, sin); }, {normal({3, 2, 4}, kDouble, 1)},
      4 + 24);
  expect_gradients(
      "slice", [&](const Inputs& in) { return rotate(in[0].slice(2, 3), cos, sin); },
      {normal({3, 2, 7}, kDouble, 1)}, 4 + 24);
}

void attention_gradients(const std::string& name, const Tensor& segment) {
  const std::int64_t rows = segment.size(0), length = segment.size(1);
  expect_gradients(
      name, [&](const Inputs& in) { return attention(in[0], in[1], in[2], segment, 0.4, Products::f32); },
      {normal({rows, length, 2, 3}, kDouble, 1), normal({rows, length, 2, 3}, kDouble, 2),
       normal({rows, length, 2, 2}, kDouble, 3)},
      60.0 + 8.0 * static_cast<double>(rows * length));
}

TEST(OpGradients, Attention) {
  attention_gradients("one position", torch::zeros({2, 1}, torch::kInt32));
  attention_gradients("one segment", torch::zeros({2, 5}, torch::kInt32));
  attention_gradients("segments", ids({0, 1, 1, 1, 2, 5, 5, 5, 5, 6}, {2, 5}));
  // More than a block of queries, and a segment across its border.
  attention_gradients("blocks",
                      torch::cat({torch::zeros({1, 61}), torch::ones({1, 5})}, 1).to(torch::kInt32));
}

void expert_gradients(const std::string& name, const Tensor& index) {
  const std::int64_t tokens = index.size(0), k = index.size(1);
  expect_gradients(
      name,
      [&](const Inputs& in) {
        return experts(in[0], in[1], in[2], {index, in[3]}, Products::f32);
      },
      {normal({tokens, 3}, kDouble, 1), normal({2, 4, 3}, kDouble, 2), normal({2, 3, 2}, kDouble, 3),
       normal({tokens, k}, kDouble, 4)},
      40.0 + 3.0 * static_cast<double>(tokens * k));
}

TEST(OpGradients, Experts) {
  expert_gradients("mixed", ids({0, 1, 2, 0, 3, 2, 1, 2}, {4, 2}));
  expert_gradients("all identity", ids({2, 3, 3, 2}, {2, 2}));
  expert_gradients("one takes all", ids({1, 1, 1}, {3, 1}));
  expert_gradients("one token", ids({1, 0}, {1, 2}));
}

TEST(OpGradients, RouterThroughPicksAndProbabilities) {
  // Logits apart from each other and a bias: no step changes the choice.
  const Tensor logits = normal({4, 7}, kDouble, 1), bias = normal({7}, kDouble, 2) * 0.1;
  expect_gradients(
      "route",
      [&](const Inputs& in) {
        const Routed routed = route(in[0], bias, 3, 2.5);
        return torch::cat({routed.picks.weight, routed.probabilities}, 1);
      },
      {logits}, 60);
}

TEST(OpGradients, LinearCrossEntropy) {
  for (const auto& targets :
       std::vector<std::vector<std::int64_t>>{{2}, {0, -1, 6, 3, 3}, {1, 2, 3, 4, 5}, {-1, -1, -1}}) {
    const auto count = static_cast<std::int64_t>(targets.size());
    expect_gradients(
        std::to_string(count) + " tokens",
        [&](const Inputs& in) {
          return linear_cross_entropy(in[0], in[1], torch::tensor(targets, torch::kInt64), Products::f32) *
                 0.7;
        },
        {normal({count, 4}, kDouble, 1), normal({7, 4}, kDouble, 2)}, 80);
  }
}

// The value passes through in-place gradients when none is wanted; it must be the same.
TEST(OpGradients, TheLossIsTheSameWithoutGradients) {
  const Tensor h = normal({9, 4}, torch::kFloat32, 1).set_requires_grad(true),
               w = normal({7, 4}, torch::kFloat32, 2);
  const Tensor targets = torch::tensor({0, 1, -1, 3, 4, 5, 6, 0, 1}, torch::kInt64);
  const Tensor learning = linear_cross_entropy(h, w, targets, Products::f32);
  const torch::NoGradGuard none;
  EXPECT_TRUE(torch::equal(learning.detach(), linear_cross_entropy(h, w, targets, Products::f32)));
}

TEST(OpGradients, GatherRows) {
  expect_gradients(
      "rows",
      [](const Inputs& in) {
        return gather_rows(in[0], ids({4, 0, 4, 4, 2}, {5}));
      },
      {normal({6, 3}, kDouble, 1)}, 20);
}

}  // namespace
}  // namespace nestor::train::ops
