#include "schedule/counters.h"

#include <algorithm>

namespace nestor::schedule {

void Durations::add(double seconds) {
  const auto bound = std::ranges::lower_bound(bounds, seconds);
  ++counts[static_cast<std::size_t>(bound - bounds.begin())];
  ++count;
  sum += seconds;
}

}  // namespace nestor::schedule
