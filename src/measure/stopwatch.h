// A clock that never goes back, and the seconds since one of its moments.
#pragma once

#include <chrono>

namespace nestor::measure {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace nestor::measure
