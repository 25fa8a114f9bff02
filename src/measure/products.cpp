#include "measure/products.h"

#include <algorithm>
#include <vector>

#include "kernels/ops.h"
#include "measure/stopwatch.h"
#include "quant/matrix.h"
#include "quant/tile.h"

namespace nestor::measure {
namespace {

constexpr std::size_t kLeastRounds = 5, kMostRounds = 400;
constexpr double kLongEnough = 0.05;  // seconds

std::int64_t row_bytes(const ProductCase& what) {
  if (!quant::is_tiled(what.format)) return what.inputs * quant::element_bytes(what.format);
  const std::int64_t blocks = (what.inputs + quant::kTileDepth - 1) / quant::kTileDepth;
  return blocks * quant::tile_bytes(what.format);  // of a band
}

// Of f8_block; the other formats have theirs among the codes, or none.
std::size_t scales_of(const ProductCase& what) {
  const auto blocks = [](std::int64_t n) { return (n + quant::kScaleBlock - 1) / quant::kScaleBlock; };
  return static_cast<std::size_t>(blocks(what.outputs) * blocks(what.inputs));
}

}  // namespace

std::uint64_t matrix_bytes(const ProductCase& what) {
  const bool tiled = quant::is_tiled(what.format);
  const std::int64_t bands = tiled ? (what.outputs + quant::kBandRows - 1) / quant::kBandRows : what.outputs;
  return static_cast<std::uint64_t>(bands * row_bytes(what));
}

double product_rate(const kernels::OpTable& ops, kernels::Team& team, const kernels::Streams& streams,
                    const ProductCase& what, const Memory& memory) {
  const std::uint64_t one = matrix_bytes(what);
  const std::uint64_t wanted = std::min<std::uint64_t>(what.footprint, memory.bytes());
  const auto matrices = static_cast<std::int64_t>(std::max<std::uint64_t>(wanted / one, 1));
  if (one > memory.bytes()) {  // as many rows of it as there is memory for
    ProductCase part = what;
    part.outputs = what.outputs / static_cast<std::int64_t>(one / memory.bytes() + 1) / 16 * 16;
    return product_rate(ops, team, streams, part, memory);
  }
  kernels::Arena arena;
  kernels::Work work;
  const kernels::Context ctx{ops, team, arena, work, nullptr, streams};
  std::vector<float> in(static_cast<std::size_t>(what.rows * what.inputs), 0.01F);
  std::vector<float> out(static_cast<std::size_t>(what.rows * what.outputs));
  const std::vector<float> scales(scales_of(what), 0.01F);
  std::uint64_t at = 0;
  const auto multiply = [&] {
    const kernels::Arena::Scope scope(arena);
    if (at + one > memory.bytes()) at = 0;
    const quant::MatrixView w =
        quant::matrix_view(memory.data() + at, what.format, what.outputs, what.inputs, scales.data());
    at += one;
    kernels::matmul(ctx, {in.data(), what.inputs}, what.rows, w, {out.data(), what.outputs});
  };
  // Small footprints stay in place; larger ones wander, as nothing of them is cached when its turn comes.
  const auto round = [&] {
    if (what.footprint <= memory.bytes() / 2) at = 0;
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < matrices; ++i) multiply();
    return seconds_since(start);
  };
  round();
  std::vector<double> times;
  double all = 0;
  while (times.size() < kLeastRounds || (all < kLongEnough && times.size() < kMostRounds)) {
    times.push_back(round());
    all += times.back();
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  const double products = static_cast<double>(matrices * what.rows * what.outputs * what.inputs);
  return products / times[times.size() / 2];
}

}  // namespace nestor::measure
