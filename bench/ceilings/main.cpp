// The ceilings of this machine, with one thread and with all of them.
//   build/release/bin/ceilings_bench [FILE]
// FILE: some GB on the disk to measure; without it the disk is left out. The last line is one JSON object.
#include <fmt/format.h>

#include <cstdio>

#include "base/cpu.h"
#include "measure/ceilings.h"
#include "measure/memory_read.h"

using namespace nestor;

int main(int argc, char** argv) {
  const CpuInfo cpu = cpu_info();
  const measure::Memory memory(std::size_t{512} << 20);
  fmt::print("{}\n{:<34}", cpu.name, "");
  std::vector<int> counts = {1};
  if (cpu.cores > 1) counts.push_back(cpu.cores);
  for (const int threads : counts)
    fmt::print("{:>10}", fmt::format("{} thread{}", threads, threads == 1 ? "" : "s"));
  std::string json = fmt::format("{{\"bench\":\"ceilings\",\"cpu\":\"{}\"", cpu.name);
  const auto line = [&](const char* name, const char* key, double scale, auto&& measure) {
    fmt::print("\n{:<34}", name);
    json += fmt::format(",\"{}\":[", key);
    for (const int threads : counts) {
      kernels::Team team(threads);
      const double value = measure(team) / scale;
      fmt::print("{:>10.2f}", value);
      json += fmt::format("{}{:.4g}", threads == 1 ? "" : ",", value);
    }
    json += ']';
    std::fflush(stdout);
  };
  line("DRAM read, GB/s", "dram_read_gb_s", 1e9, [&](auto& t) { return measure::dram_read(t, memory); });
  line("3 MiB each (last cache), GB/s", "l3_read_gb_s", 1e9,
       [&](auto& t) { return measure::cache_read(t, memory, 3U << 20, 100); });
  line("256 KiB each (second cache), GB/s", "l2_read_gb_s", 1e9,
       [&](auto& t) { return measure::cache_read(t, memory, 256U << 10, 1000); });
  line("fp32, GFLOP/s", "fp32_gflop_s", 1e9, measure::fp32_peak);
  line("bf16, GFLOP/s (0: none)", "bf16_gflop_s", 1e9, measure::bf16_peak);
  line("int8, GOP/s", "int8_gop_s", 1e9, measure::int8_peak);
  line("int8 in tile registers (0: none)", "int8_tile_gop_s", 1e9, measure::int8_tile_peak);
  line("fork and join, us", "fork_join_us", 1e-6, measure::fork_join);
  if (argc > 1) {
    for (const int depth : {1, 16, 64}) {
      const double iops = measure::disk_reads(argv[1], depth);
      fmt::print("\ndisk, random 4 KiB at depth {:<6}{:>10.0f} reads/s", depth, iops);
      json += fmt::format(",\"disk_iops_{}\":{:.0f}", depth, iops);
    }
  }
  fmt::print("\n{}}}\n", json);
  return 0;
}
