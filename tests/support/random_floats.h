// Normally distributed numbers, the same in every run.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace nestor::testing {

inline std::vector<float> random_floats(std::int64_t count, std::uint64_t stream) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(normal_pair(41, static_cast<std::uint64_t>(i), stream)[0]);
  return values;
}

}  // namespace nestor::testing
