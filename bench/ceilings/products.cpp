// Products with quantized and plain matrices against the ceilings of the same run: each format and number of
// rows is measured in turns with a read of memory.
//   build/release/bin/products_bench [N K [SET]]     default 4096 x 4096, the fastest set of kernels
// Copies of the weights and the reads beside them rotate through 2 GiB, so that no cache holds them (the last
// one of a server may have 260 MiB). The last line is one JSON object.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/cpu.h"
#include "base/random.h"
#include "kernels/ops.h"
#include "kernels/registry.h"
#include "measure/ceilings.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/tile.h"

using namespace nestor;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 5;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Copies of one matrix, as many as fit.
struct Weights {
  const measure::Memory& memory;
  std::size_t bytes;
  std::size_t copies;
  quant::Format format;
  std::int64_t rows, cols;

  quant::MatrixView view(std::size_t copy) const {
    return quant::matrix_view(memory.data() + copy % copies * bytes, format, rows, cols);
  }
};

Weights fill(const measure::Memory& memory, quant::Format format, std::int64_t rows, std::int64_t cols) {
  std::vector<std::uint8_t> one;
  if (quant::is_tiled(format)) {
    const auto shape = quant::tiled_shape(format, rows, cols);
    std::vector<float> band(static_cast<std::size_t>(quant::kBandRows * cols));
    for (std::size_t i = 0; i < band.size(); ++i) band[i] = normal_pair(3, i, 0)[0];
    std::vector<std::uint8_t> tiles(static_cast<std::size_t>(shape[1] * shape[2]));
    quant::encode_band(format, band.data(), quant::kBandRows, cols, {}, quant::ScaleRule::absmax,
                       tiles.data());
    for (std::int64_t b = 0; b < shape[0]; ++b) one.insert(one.end(), tiles.begin(), tiles.end());
  } else {
    for (std::int64_t i = 0; i < rows * cols; ++i) {
      const std::uint16_t bits = quant::to_bf16(static_cast<float>(i % 251) * 0.01F - 1.2F);
      one.push_back(static_cast<std::uint8_t>(bits));
      one.push_back(static_cast<std::uint8_t>(bits >> 8));
    }
  }
  Weights w{memory, one.size(), memory.bytes() / one.size(), format, rows, cols};
  for (std::size_t c = 0; c < w.copies; ++c)
    std::copy(one.begin(), one.end(), memory.data() + c * one.size());
  return w;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 2 ? std::atoll(argv[1]) : 4096;
  const std::int64_t cols = argc > 2 ? std::atoll(argv[2]) : 4096;
  const CpuInfo cpu = cpu_info();
  const kernels::OpTable& ops = kernels::select_set(argc > 3 ? argv[3] : "auto", cpu);
  const measure::Memory memory(std::size_t{2} << 30);
  std::size_t window = 0;
  std::string json =
      fmt::format("{{\"bench\":\"products\",\"cpu\":\"{}\",\"kernels\":\"{}\",\"n\":{},\"k\":{},\"rows\":[",
                  cpu.name, ops.name, rows, cols);
  fmt::print("{}, {}, {} x {}\n{:<8}{:>8}{:>6}{:>10}{:>10}{:>9}{:>11}{:>9}\n", cpu.name, ops.name, rows, cols,
             "format", "threads", "T", "ms", "GB/s", "of DRAM", "GOP/s", "of peak");
  bool first = true;
  std::size_t copy = 0;
  std::vector<int> counts = {1};
  if (cpu.cores > 1) counts.push_back(cpu.cores);
  for (const int threads : counts) {
    kernels::Team team(threads);
    kernels::Arena arena;
    kernels::Work work;
    const kernels::Context ctx{ops, team, arena, work};
    for (const auto format : {quant::Format::q4, quant::Format::q8, quant::Format::bf16}) {
      const Weights w = fill(memory, format, rows, cols);
      const bool codes = quant::is_tiled(format) && ops.matmul_coded != nullptr;
      for (const std::int64_t t : {1, 2, 4, 8, 16, 128, 512}) {
        std::vector<float> x(static_cast<std::size_t>(t * cols));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = normal_pair(4, i, 0)[0];
        std::vector<float> y(static_cast<std::size_t>(t * rows));
        double least = 1e9;
        double dram = 0;
        double peak = 0;
        const std::size_t calls = t > 16 ? 1 : 8;
        for (int round = 0; round < kRounds; ++round) {
          const auto start = Clock::now();
          for (std::size_t c = 0; c < calls; ++c) {
            kernels::matmul(ctx, {x.data(), cols}, t, w.view(copy++), {y.data(), rows});
          }
          least = std::min(least, seconds_since(start) / static_cast<double>(calls));
          constexpr std::size_t kWindow = std::size_t{128} << 20;
          dram =
              std::max(dram, measure::read_window(team, {memory.data() + window % memory.bytes(), kWindow}));
          window += kWindow;
          peak = std::max(peak, codes ? measure::int8_peak(team) : measure::fp32_peak(team));
        }
        const double rate = static_cast<double>(w.bytes) / least;
        const double operations = 2.0 * static_cast<double>(t * rows * cols) / least;
        const double share = rate / dram;
        fmt::print("{:<8}{:>8}{:>6}{:>10.3f}{:>10.2f}{:>8.0f}%{:>11.1f}{:>8.0f}%\n", quant::name_of(format),
                   threads, t, 1e3 * least, rate / 1e9, 100 * share, operations / 1e9,
                   100 * operations / peak);
        json += fmt::format(
            "{}{{\"format\":\"{}\",\"threads\":{},\"t\":{},\"seconds\":{:.6g},\"dram_share\":{:.3f},"
            "\"peak_share\":{:.3f}}}",
            first ? "" : ",", quant::name_of(format), threads, t, least, share, operations / peak);
        first = false;
        std::fflush(stdout);
      }
    }
  }
  fmt::print("{}]}}\n", json);
  return 0;
}
