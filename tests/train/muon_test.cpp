#include "train/optimizer/muon.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nestor::train {
namespace {

using torch::Tensor;

// What five steps make of a singular value, relative to the norm.
double scalar_steps(double x) {
  for (int step = 0; step < 5; ++step) x = 3.4445 * x - 4.7750 * std::pow(x, 3) + 2.0315 * std::pow(x, 5);
  return x;
}

// The matrix with the same singular vectors, in double: what orthogonalized() is in exact arithmetic.
Tensor exact(const Tensor& stack) {
  const Tensor x = stack.to(torch::kFloat64);
  const auto [u, s, v] = torch::linalg_svd(x, false);
  Tensor values = s / x.square().sum({1, 2}, true).sqrt().squeeze(-1);
  for (double *value = values.data_ptr<double>(), *end = value + values.numel(); value < end; ++value) {
    *value = scalar_steps(*value);
  }
  return torch::matmul(u * values.unsqueeze(-2), v);
}

Tensor random_stack(std::int64_t n, std::int64_t out, std::int64_t in) {
  torch::manual_seed(n + out * 100 + in);
  return torch::randn({n, out, in});
}

// An error grows in each step at most by the slope of the polynomial, 3.4445 for small singular values and 5 matrices
// deep 3.4445^5 = 485; each of the 15 products adds at most (min(out, in) + 2) u of matrices of norm up to 1.2.
double bound(std::int64_t out, std::int64_t in, double u) {
  return 485 * 15 * 1.2 * static_cast<double>(std::min(out, in) + 2) * u;
}

TEST(Muon, IsThePolynomialOfTheSingularValues) {
  for (const auto& [out, in] : {std::pair{1, 1}, {3, 7}, {16, 16}, {33, 12}, {48, 96}, {96, 48}}) {
    const Tensor stack = random_stack(3, out, in);
    for (const auto& [type, u] : {std::pair{torch::kFloat32, 0x1p-24}, {torch::kFloat64, 0x1p-53}}) {
      const Tensor got = orthogonalized(stack.to(type), ops::Products::f32).to(torch::kFloat64);
      EXPECT_LE((got - exact(stack)).abs().max().item<double>(), bound(out, in, u)) << out << " x " << in;
    }
  }
}

// In bfloat16 there is no proof worth its bound; what is wanted is that the direction is the same.
TEST(Muon, PointsTheSameWayInBf16) {
  const Tensor stack = random_stack(2, 40, 64);
  const Tensor rough = orthogonalized(stack, ops::Products::bf16).to(torch::kFloat64), fine = exact(stack);
  for (std::int64_t i = 0; i < 2; ++i) {
    const double cosine = ((rough[i] * fine[i]).sum() / rough[i].norm() / fine[i].norm()).item<double>();
    EXPECT_GT(cosine, 0.99);
  }
}

// For singular values above 0.002 of the norm the polynomial ends in [0.68, 1.21] (a scan), so the matrix is nearly
// orthogonal, whatever its scale was.
TEST(Muon, MakesMatricesNearlyOrthogonal) {
  for (double x = 0.002; x <= 1; x *= 1.001) {
    EXPECT_GT(scalar_steps(x), 0.67) << x;
    EXPECT_LT(scalar_steps(x), 1.21) << x;
  }
  for (const double scale : {1e-12, 1.0, 1e6}) {
    const Tensor x = orthogonalized(random_stack(4, 32, 64) * scale, ops::Products::f32);
    const Tensor s = std::get<1>(torch::linalg_svd(x, false));
    EXPECT_GT(s.min().item<double>(), 0.67);
    EXPECT_LT(s.max().item<double>(), 1.21);
  }
  const Tensor zero = orthogonalized(torch::zeros({1, 4, 5}), ops::Products::f32);
  EXPECT_EQ(zero.abs().max().item<double>(), 0);
}

TEST(Muon, TallIsWideTransposed) {
  const Tensor wide = random_stack(2, 8, 20);
  const Tensor tall = orthogonalized(wide.transpose(1, 2).contiguous(), ops::Products::f32);
  EXPECT_LE((tall.transpose(1, 2) - orthogonalized(wide, ops::Products::f32)).abs().max().item<double>(),
            2 * bound(8, 20, 0x1p-24));
}

TEST(Muon, ScalesTallMatrices) {
  EXPECT_EQ(muon_scale(64, 64), 1);
  EXPECT_EQ(muon_scale(32, 64), 1);
  EXPECT_DOUBLE_EQ(muon_scale(256, 64), 2);
}

}  // namespace
}  // namespace nestor::train
