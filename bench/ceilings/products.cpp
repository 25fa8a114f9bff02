// Products with quantized and plain matrices against the ceilings of the same run: every round measures the
// product, then the arithmetic of registers for as long, then a read of memory. Shares are medians of rounds.
// Two probes around a product tell whether the cores were the process' own (cores.h): shares of the
// peak are given over all rounds, and over those in which they were.
//   build/release/bin/products_bench [N K [SET]]     default 4096 x 4096, the fastest set of kernels
// Copies of the weights and the reads beside them rotate through 2 GiB, so that no cache holds them (the last
// one of a server may have 260 MiB). The last line is one JSON object.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
#include "cores.h"
#include "kernels/ops.h"
#include "kernels/registry.h"
#include "measure/ceilings.h"
#include "measure/memory_read.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/tile.h"

using namespace nestor;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 24;
// Of the widest that a core was seen, where it counts as the process' own: beside a busy thread it is about
// half.
constexpr double kOwn = 0.9;

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

struct Round {
  double seconds;  // of one product
  double of_dram;
  double of_peak;
  double width;  // the lesser of the probes before and after
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// What all products of a run share.
struct Bench {
  const CpuInfo& cpu;
  const kernels::OpTable& ops;
  const measure::Memory& memory;
  std::size_t copy = 0;
  std::size_t window = 0;
  double width = 0;  // the most that a probe has seen
  std::string json{};

  std::vector<Round> measure(kernels::Team& team, const Weights& w, std::int64_t t);
  void report(const Weights& w, int threads, std::int64_t t, const std::vector<Round>& rounds);
};

std::vector<Round> Bench::measure(kernels::Team& team, const Weights& w, std::int64_t t) {
  constexpr std::size_t kWindow = std::size_t{128} << 20;
  kernels::Arena arena;
  kernels::Work work;
  const kernels::Context ctx{ops, team, arena, work};
  std::vector<float> x(static_cast<std::size_t>(t * w.cols));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = normal_pair(4, i, 0)[0];
  std::vector<float> y(static_cast<std::size_t>(t * w.rows));
  const bool codes = quant::is_tiled(w.format) && ops.matmul_coded != nullptr;
  const double operations = 2.0 * static_cast<double>(t * w.rows * w.cols);
  const int calls = t > 16 ? 1 : 8;
  const measure::Walk walk = measure::fastest_walk(team, memory);
  std::vector<Round> rounds;
  for (int r = 0; r <= kRounds; ++r) {
    const double before = bench::issue_width(team);
    const auto start = Clock::now();
    for (int c = 0; c < calls; ++c)
      kernels::matmul(ctx, {x.data(), w.cols}, t, w.view(copy++), {y.data(), w.rows});
    const double stretch = seconds_since(start);
    const double after = bench::issue_width(team);
    const double peak =
        codes ? measure::int8_peak_over(team, stretch) : measure::fp32_peak_over(team, stretch);
    const double dram =
        measure::read_rate(team, memory.all().subspan(window % memory.bytes(), kWindow), walk);
    window += kWindow;
    width = std::max({width, before, after});
    const double seconds = stretch / calls;
    if (r > 0)  // the first one touches x and y
      rounds.push_back({seconds, static_cast<double>(w.bytes) / seconds / dram, operations / seconds / peak,
                        std::min(before, after)});
  }
  return rounds;
}

void Bench::report(const Weights& w, int threads, std::int64_t t, const std::vector<Round>& rounds) {
  std::vector<double> seconds, of_dram, of_peak, of_peak_own;
  for (const Round& r : rounds) {
    seconds.push_back(r.seconds);
    of_dram.push_back(r.of_dram);
    of_peak.push_back(r.of_peak);
    if (r.width > kOwn * width) of_peak_own.push_back(r.of_peak);
  }
  const std::string_view name = quant::name_of(w.format);
  const double time = median(seconds);
  fmt::print("{:<8}{:>8}{:>6}{:>10.3f}{:>10.2f}{:>8.0f}%{:>11.1f}{:>8.0f}%{:>11}{:>9}\n", name, threads, t,
             1e3 * time, static_cast<double>(w.bytes) / time / 1e9, 100 * median(of_dram),
             2e-9 * static_cast<double>(t * w.rows * w.cols) / time, 100 * median(of_peak),
             fmt::format("{} of {}", of_peak_own.size(), rounds.size()),
             of_peak_own.empty() ? "-" : fmt::format("{:.0f}%", 100 * median(of_peak_own)));
  json += fmt::format(
      "{}{{\"format\":\"{}\",\"threads\":{},\"t\":{},\"seconds\":{:.6g},\"dram_share\":{:.3f},"
      "\"peak_share\":{:.3f},\"rounds\":{},\"own_rounds\":{},\"own_peak_share\":{}}}",
      json.empty() ? "" : ",", name, threads, t, time, median(of_dram), median(of_peak), rounds.size(),
      of_peak_own.size(), of_peak_own.empty() ? "null" : fmt::format("{:.3f}", median(of_peak_own)));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 2 ? std::atoll(argv[1]) : 4096;
  const std::int64_t cols = argc > 2 ? std::atoll(argv[2]) : 4096;
  const CpuInfo cpu = cpu_info();
  const measure::Memory memory(std::size_t{2} << 30);
  Bench bench{cpu, kernels::select_set(argc > 3 ? argv[3] : "auto", cpu), memory};
  fmt::print("{}, {}, {} x {}\n{:<8}{:>8}{:>6}{:>10}{:>10}{:>9}{:>11}{:>9}{:>11}{:>9}\n", cpu.name,
             bench.ops.name, rows, cols, "format", "threads", "T", "ms", "GB/s", "of DRAM", "GOP/s",
             "of peak", "own cores", "of peak");
  for (int threads = 1; threads <= cpu.cores; threads += std::max(cpu.cores - 1, 1)) {
    kernels::Team team(threads);
    for (const auto format : {quant::Format::q4, quant::Format::q8, quant::Format::bf16}) {
      const Weights w = fill(memory, format, rows, cols);
      for (const std::int64_t t : {1, 2, 4, 8, 16, 128, 512})
        bench.report(w, threads, t, bench.measure(team, w, t));
    }
  }
  fmt::print("Cores of {:.1f} instructions a cycle at the most\n", bench.width);
  fmt::print(
      "{{\"bench\":\"products\",\"cpu\":\"{}\",\"kernels\":\"{}\",\"n\":{},\"k\":{},\"width\":{:.2f},"
      "\"rows\":[{}]}}\n",
      cpu.name, bench.ops.name, rows, cols, bench.width, bench.json);
  return 0;
}
