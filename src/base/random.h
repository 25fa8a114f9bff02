// Counter-based random numbers: the value is a pure function of (key, counter), so no state is carried, order
// of evaluation does not matter, and (seed, sequence, position) decides what is drawn. Philox4x32-10: Salmon
// et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nestor {

/// Ten rounds of Philox on a 128-bit counter with a 64-bit key.
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high);

/// Uniform in [0, 1) with 53 random bits.
double uniform(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high);

/// Two independent values uniform in (0, 1), never an end of it, with 52 random bits each.
std::array<double, 2> open_uniform_pair(std::uint64_t key, std::uint64_t counter_low,
                                        std::uint64_t counter_high);

/// Two independent standard normal values (Box-Muller).
std::array<float, 2> normal_pair(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high);

/// A key of a name, the same on every machine (FNV-1a).
std::uint64_t key_of_name(std::string_view name);

}  // namespace nestor
