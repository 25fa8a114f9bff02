// The fast operations in float32 and bfloat16 against the plain ones in double, at awkward sizes; and their
// bits from run to run.
#include <ATen/Parallel.h>

#include "op_gradients.h"
#include "train/ops/loops.h"
#include "train/ops/ops.h"

namespace nestor::train::ops {
namespace {

using testing::normal;
using testing::Op;
using testing::Ran;
using Inputs = std::vector<Tensor>;
constexpr auto kFloat = torch::kFloat32;
constexpr double kUnitF32 = 1.0 / (1 << 24), kUnitBf16 = 1.0 / (1 << 8);

/// Results and gradients differ in norm by at most `roundings` * unit * the norm. A rounding changes each
/// entry by at most `unit` of itself, so a tensor by at most that in norm; products with operands of random
/// signs carry a relative error in norm over with a factor of about 1. So the roundings along the longest
/// chain add up, each counted as if at its worst, which leaves room for the factors (below 1.3 for silu). A
/// sum of n terms counts n.
/// `cancelled` is the norm of terms inside that may cancel to nothing: their errors stay.
void expect_close(const std::string& name, const Op& fast, const Op& plain, const Inputs& inputs,
                  double roundings, double unit, double cancelled = 0) {
  SCOPED_TRACE(name);
  Inputs exact;
  for (const Tensor& x : inputs) exact.push_back(x.to(torch::kFloat64));
  const Ran got = testing::run(fast, inputs, testing::kDirection),
            expected = testing::run(plain, exact, testing::kDirection);
  const auto compare = [&](const Tensor& a, const Tensor& b, const std::string& what) {
    ASSERT_TRUE(a.defined()) << what;
    ASSERT_EQ(a.scalar_type(), kFloat) << what;
    ASSERT_EQ(a.sizes(), b.sizes()) << what;
    const double distance = (a.to(torch::kFloat64) - b).norm().item<double>(), norm = b.norm().item<double>();
    EXPECT_LE(distance, roundings * unit * (norm + cancelled)) << what << " of norm " << norm;
  };
  compare(got.result, expected.result, "result");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor reference =
        expected.gradients[i].defined() ? expected.gradients[i] : torch::zeros_like(exact[i]);
    compare(got.gradients[i], reference, "gradient " + std::to_string(i));
  }
  const Ran again = testing::run(fast, inputs, testing::kDirection);
  EXPECT_TRUE(torch::equal(got.result, again.result));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_TRUE(torch::equal(got.gradients[i], again.gradients[i])) << i;
}

TEST(OpValues, Swiglu) {
  for (const std::int64_t n : {1, 3, 17, 33, 1000}) {
    expect_close(
        "n " + std::to_string(n), [](const Inputs& in) { return swiglu(in[0], in[1]); },
        [](const Inputs& in) { return plain::swiglu(in[0], in[1]); },
        {normal({n, 19}, kFloat, 1) * 4, normal({n, 19}, kFloat, 2)}, 16, kUnitF32);
  }
}

// silu over the whole range of its exponential: relative to the exact value two units in the last place for
// exp (4 halves of a unit), and one rounding each for the sum, the quotient and two products; doubled.
TEST(OpValues, SigmoidOverItsRange) {
  const Tensor x = torch::linspace(-86, 86, 100001, torch::kFloat64).to(kFloat), one = torch::ones_like(x);
  const Tensor exact = plain::swiglu(x.to(torch::kFloat64), one.to(torch::kFloat64));
  const Tensor error = (swiglu(x, one).to(torch::kFloat64) - exact).abs() / (exact.abs() + 1e-300);
  EXPECT_LE(error.max().item<double>(), 16 * kUnitF32);
}

// Far outside: silu(-200) is 0 but for the clamped exponential (200 e^-87), silu(200) is 200.
TEST(OpValues, SigmoidOfExtremes) {
  const Tensor x = torch::tensor({-200.0F, 200.0F, -1e30F, 1e30F});
  const Tensor y = swiglu(x, torch::ones_like(x));
  EXPECT_NEAR(y[0].item<float>(), 0, 1e-34);
  EXPECT_EQ(y[1].item<float>(), 200);
  EXPECT_TRUE(torch::isfinite(y).all().item<bool>());
}

TEST(OpValues, RmsNorm) {
  for (const std::int64_t n : {1, 3, 17, 33, 130}) {
    expect_close(
        "n " + std::to_string(n), [](const Inputs& in) { return rms_norm(in[0], in[1], 1e-5); },
        [](const Inputs& in) { return plain::rms_norm(in[0], in[1], 1e-5); },
        {normal({n, 37}, kFloat, 1), normal({37}, kFloat, 2)}, 20.0 + 37 + static_cast<double>(n), kUnitF32);
  }
}

TEST(OpValues, Rotate) {
  for (const std::int64_t n : {1, 3, 17, 33}) {
    const Tensor angle = normal({n, 4}, kFloat, 3), cos = angle.cos(), sin = angle.sin();
    const Tensor cos64 = cos.to(torch::kFloat64), sin64 = sin.to(torch::kFloat64);
    expect_close(
        "n " + std::to_string(n), [&](const Inputs& in) { return rotate(in[0], cos, sin); },
        [&](const Inputs& in) { return plain::rotate(in[0], cos64, sin64); }, {normal({n, 3, 8}, kFloat, 1)},
        4, kUnitF32);
  }
}

TEST(OpValues, LinearBf16) {
  for (const std::int64_t n : {1, 3, 17, 33}) {
    // Roundings: both operands and the result.
    expect_close(
        "n " + std::to_string(n), [](const Inputs& in) { return linear(in[0], in[1], Products::bf16); },
        [](const Inputs& in) { return plain::linear(in[0], in[1], Products::f32); },
        {normal({n, 2, 24}, kFloat, 1), normal({10, 24}, kFloat, 2)}, 3, kUnitBf16);
  }
}

// Scores of up to about 6 are exact to (d + 2) units each, which exp turns into that many units times 6; then
// sums over at most T keys. With one key in sight the two terms of dp - sum p dp, each up to |g| |v|, cancel;
// what they leave meets the scale and a key or query.
void attention_close(const std::string& name, const Tensor& segment, Products products) {
  const std::int64_t rows = segment.size(0), length = segment.size(1);
  const double scale = 0.3;
  const Tensor q = normal({rows, length, 3, 10}, kFloat, 1), k = normal({rows, length, 3, 10}, kFloat, 2);
  const Tensor v = normal({rows, length, 3, 6}, kFloat, 3);
  const auto longest = [](const Tensor& x) { return x.norm(2, -1).max().item<double>(); };
  const double direction = normal(v.sizes(), kFloat, testing::kDirection).norm().item<double>();
  expect_close(
      name, [&](const Inputs& in) { return attention(in[0], in[1], in[2], segment, scale, products); },
      [&](const Inputs& in) { return plain::attention(in[0], in[1], in[2], segment, scale, Products::f32); },
      {q, k, v}, 6 * 12.0 + 2.0 * static_cast<double>(length) + 20, kUnitF32,
      scale * direction * longest(v) * std::max(longest(q), longest(k)));
}

TEST(OpValues, AttentionOfAwkwardLengthsAndSegments) {
  for (const Products products : {Products::f32, Products::bf16}) {
    for (const std::int64_t length : {1, 3, 17, 33, 64, 65, 130}) {
      const Tensor one = torch::zeros({2, length}, torch::kInt32);
      const Tensor each = torch::arange(length, torch::kInt32).repeat({2, 1});
      const Tensor thirds =
          torch::div(each, std::max<std::int64_t>(1, length / 3), "floor").to(torch::kInt32);
      attention_close("one segment of " + std::to_string(length), one, products);
      attention_close("segments of length 1", each, products);
      attention_close("three segments of " + std::to_string(length), thirds, products);
      attention_close("rows that differ", torch::cat({one.slice(0, 0, 1), thirds.slice(0, 0, 1)}), products);
    }
  }
}

// In bfloat16: operands, hidden, mixed, results and their gradients, eleven in the longest chain. The batched
// form rounds at the same places.
void experts_close(const std::string& name, const Tensor& index) {
  const std::int64_t tokens = index.size(0), k = index.size(1);
  for (const Products products : {Products::f32, Products::bf16}) {
    const bool exact = products == Products::f32;
    using Function = decltype(&experts);
    for (const Function fast : {Function{&experts}, Function{&batched_experts}}) {
      expect_close(
          name + (exact ? " f32" : " bf16") + (fast == Function{&experts} ? "" : " batched"),
          [&](const Inputs& in) {
            return (*fast)(in[0], in[1], in[2], {index, in[3]}, products);
          },
          [&](const Inputs& in) {
            return plain::experts(in[0], in[1], in[2], {index, in[3]}, Products::f32);
          },
          {normal({tokens, 24}, kFloat, 1), normal({5, 2 * 9, 24}, kFloat, 2) * 0.2,
           normal({5, 24, 9}, kFloat, 3) * 0.3, normal({tokens, k}, kFloat, 4)},
          exact ? 80.0 + static_cast<double>(tokens * k) : 12.0, exact ? kUnitF32 : kUnitBf16);
    }
  }
}

TEST(OpValues, ExpertsOfAwkwardPicks) {
  for (const std::int64_t n : {1, 3, 17, 33, 300}) {
    const Tensor tokens = torch::arange(n, torch::kInt32).unsqueeze(1),
                 picks = torch::arange(3, torch::kInt32);
    experts_close("spread " + std::to_string(n), torch::remainder(tokens * 2 + picks, 7).to(torch::kInt32));
    experts_close("identity " + std::to_string(n), (picks + 5).repeat({n, 1}));
    experts_close("one takes all " + std::to_string(n), torch::full({n, 1}, 3, torch::kInt32));
  }
}

TEST(OpValues, RouterPicksLikeThePlainOne) {
  for (const std::int64_t n : {1, 3, 17, 33}) {
    const Tensor logits = normal({n, 11}, kFloat, 1), bias = normal({11}, kFloat, 2) * 0.05;
    const Tensor exact = bias.to(torch::kFloat64);
    const Routed got = route(logits, bias, 4, 1.5),
                 expected = plain::route(logits.to(torch::kFloat64), exact, 4, 1.5);
    EXPECT_TRUE(torch::equal(got.picks.index, expected.picks.index));
    const auto joined = [](const Routed& routed) {
      return torch::cat({routed.picks.weight, routed.probabilities}, 1);
    };
    // exp (4), its sum over 11, the quotient; the bias takes no part.
    expect_close(
        "n " + std::to_string(n), [&](const Inputs& in) { return joined(route(in[0], bias, 4, 1.5)); },
        [&](const Inputs& in) { return joined(plain::route(in[0], exact, 4, 1.5)); }, {logits}, 40, kUnitF32);
  }
}

TEST(OpValues, RouterTiesGoToTheLowerIndex) {
  const Tensor index =
      route(torch::zeros({2, 6}), torch::tensor({0.F, 1.F, 0.F, 1.F, 0.F, 0.F}), 4, 1).picks.index;
  const Tensor expected = torch::tensor({1, 3, 0, 2}, torch::kInt32).repeat({2, 1});
  EXPECT_TRUE(torch::equal(index, expected)) << index;
}

// Logits are about normal, below 5: their relative error becomes an absolute one and so an error of the
// softmax of 5 times that. bfloat16: operands and logits (3 * 5), the gradient of the logits, the weights,
// the result.
void loss_close(const std::string& name, const Tensor& targets, std::int64_t vocabulary) {
  const std::int64_t n = targets.size(0);
  for (const Products products : {Products::f32, Products::bf16}) {
    const bool exact = products == Products::f32;
    expect_close(
        name + (exact ? " f32" : " bf16"),
        [&](const Inputs& in) { return linear_cross_entropy(in[0], in[1], targets, products); },
        [&](const Inputs& in) { return plain::linear_cross_entropy(in[0], in[1], targets, Products::f32); },
        {normal({n, 24}, kFloat, 1), normal({vocabulary, 24}, kFloat, 2) * 0.2},
        exact ? 5 * 26.0 + static_cast<double>(vocabulary + n) : 18.0, exact ? kUnitF32 : kUnitBf16);
  }
}

TEST(OpValues, LinearCrossEntropy) {
  for (const std::int64_t n : {1, 3, 17, 33, 300}) {
    const Tensor targets = torch::remainder(torch::arange(n, torch::kInt64) * 7, 50);
    loss_close("all scored " + std::to_string(n), targets, 50);
    loss_close("none scored " + std::to_string(n), torch::full({n}, -1, torch::kInt64), 50);
    loss_close("every second " + std::to_string(n), torch::where(targets % 2 == 0, targets, -1), 51);
  }
}

// Three chunks of rows, the last one short.
TEST(OpValues, LinearCrossEntropyInChunks) {
  const std::int64_t vocabulary = 1 << 17;
  loss_close("chunks", torch::arange(150, torch::kInt64) * 800, vocabulary);
}

TEST(OpValues, GatherRowsSumsInOrder) {
  const Tensor index = torch::tensor({2, 0, 2, 2, 1, 2}, torch::kInt32);
  const Tensor rows = normal({4, 9}, kFloat, 1).set_requires_grad(true), g = normal({6, 9}, kFloat, 2);
  const Tensor out = gather_rows(rows, index);
  EXPECT_TRUE(torch::equal(out.detach(), rows.detach().index_select(0, index)));
  out.backward(g);
  EXPECT_TRUE(torch::equal(rows.grad()[2], ((g[0] + g[2]) + g[3]) + g[5]));
  EXPECT_TRUE(torch::equal(rows.grad()[0], g[1]));
  EXPECT_TRUE(torch::equal(rows.grad()[3], torch::zeros({9})));
}

// Sums over rows are split by fixed blocks, not by threads.
TEST(OpValues, TheNumberOfThreadsChangesNoBit) {
  const Tensor index =
      torch::remainder(torch::arange(1200, torch::kInt32), 7).view({300, 4}).to(torch::kInt32);
  const std::vector<std::pair<Op, Inputs>> cases = {
      {[](const Inputs& in) { return rms_norm(in[0], in[1], 1e-5); },
       {normal({700, 64}, kFloat, 1), normal({64}, kFloat, 2)}},
      {[](const Inputs& in) {
         return attention(in[0], in[1], in[2], torch::zeros({2, 90}, torch::kInt32), 0.3, Products::f32);
       },
       {normal({2, 90, 4, 10}, kFloat, 1), normal({2, 90, 4, 10}, kFloat, 2),
        normal({2, 90, 4, 6}, kFloat, 3)}},
      {[](const Inputs& in) { return route(in[0], torch::zeros({40}), 4, 2).picks.weight; },
       {normal({900, 40}, kFloat, 1)}},
  };
  const int threads = at::get_num_threads();
  for (const auto& [op, inputs] : cases) {
    at::set_num_threads(1);
    const Ran alone = testing::run(op, inputs, testing::kDirection);
    at::set_num_threads(3);
    const Ran together = testing::run(op, inputs, testing::kDirection);
    EXPECT_TRUE(torch::equal(alone.result, together.result));
    for (std::size_t i = 0; i < inputs.size(); ++i)
      EXPECT_TRUE(torch::equal(alone.gradients[i], together.gradients[i]));
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace nestor::train::ops
