// What this machine can do at best, measured: benchmarks give their figures as shares of these, measured in
// the same run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "kernels/parallel.h"

namespace nestor::measure {

/// Memory that is touched and, where the system allows it, in pages of 2 MiB.
class Memory {
 public:
  explicit Memory(std::size_t bytes);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::uint8_t* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::uint8_t* data_;
  std::size_t bytes_;
};

/// Bytes per second when every thread of the team reads `bytes` of its own share of the memory, `streams`
/// places of it at once, `rounds` times over. The best of a few repetitions.
double read_bandwidth(kernels::Team& team, const Memory& memory, std::size_t bytes, int streams, int rounds);

/// Bytes per second of one read of `bytes` in four streams a thread. What the last call read should not be in
/// a cache.
double read_window(kernels::Team& team, std::span<const std::uint8_t> bytes);

/// The best of 1, 2, 4 and 8 streams from memory that no cache holds.
double dram_read(kernels::Team& team, const Memory& memory);

/// Multiply-adds counted as two operations, per second, all threads together, from registers: the best of a
/// few milliseconds; or, to compare longer work with, all of a stretch of at least `seconds`, with whatever
/// other processes took of it.
double fp32_peak(kernels::Team& team);
double fp32_peak_over(kernels::Team& team, double seconds);
/// Of vectors.
double int8_peak(kernels::Team& team);
double int8_peak_over(kernels::Team& team, double seconds);
/// 0 where the processor has no such instruction.
double bf16_peak(kernels::Team& team);
/// Of int8 in the tile registers of AMX; 0 where there are none.
double int8_tile_peak(kernels::Team& team);
double int8_tile_peak_over(kernels::Team& team, double seconds);

/// Seconds of an empty parallel region.
double fork_join(kernels::Team& team);

/// Random reads of 4 KiB per second past the page cache, `depth` threads with one read each in flight.
double disk_reads(const std::filesystem::path& file, int depth);

}  // namespace nestor::measure
