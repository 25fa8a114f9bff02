#include "cores.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "measure/stopwatch.h"

namespace nestor::bench {
namespace {

using measure::Clock;
using measure::seconds_since;

// Four bytes each: instructions of one byte would not fit into the cache of decoded ones.
constexpr int kEmpty = 32768;
void empty_instructions() { asm volatile(".rept 128\n\tnopl 0(%%rax)\n\t.endr" : :); }

double width_here() {
  constexpr int kLinks = 2048;
  constexpr double kCyclesOfLink = 3;
  constexpr int kTurns = 8;
  double empty = 0;
  double chain = 1e9;  // the least: nothing but an interruption makes it longer
  for (int turn = 0; turn < kTurns; ++turn) {
    auto start = Clock::now();
    for (int i = 0; i < kEmpty; i += 128) empty_instructions();
    empty += seconds_since(start);
    start = Clock::now();
    std::uint64_t x = 3;
    for (int i = 0; i < kLinks; i += 8) asm volatile(".rept 8\n\timul %0, %0\n\t.endr" : "+r"(x));
    chain = std::min(chain, seconds_since(start));
  }
  const double cycles_per_second = kLinks * kCyclesOfLink / chain;
  return kTurns * kEmpty / (empty * cycles_per_second);
}

}  // namespace

double issue_width(kernels::Team& team) {
  std::vector<double> widths(static_cast<std::size_t>(team.threads()));
  team.run(team.threads(), [&](std::int64_t i, int) { widths[static_cast<std::size_t>(i)] = width_here(); });
  return *std::ranges::min_element(widths);
}

}  // namespace nestor::bench
