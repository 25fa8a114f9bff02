// What this machine can do at best, measured: benchmarks give their figures as shares of these, measured in
// the same run.
#pragma once

#include <cstdint>
#include <filesystem>

#include "kernels/parallel.h"

namespace nestor::measure {

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
double bf16_peak_over(kernels::Team& team, double seconds);
/// Of int8 in the tile registers of AMX; 0 where there are none.
double int8_tile_peak(kernels::Team& team);
double int8_tile_peak_over(kernels::Team& team, double seconds);

/// Seconds of an empty parallel region.
double fork_join(kernels::Team& team);

/// Random reads of 4 KiB per second past the page cache, `depth` threads with one read each in flight.
double disk_reads(const std::filesystem::path& file, int depth);

}  // namespace nestor::measure
