// How often operator new was called in this program.
#pragma once

#include <cstdint>

namespace nestor::schedule {

std::int64_t allocations();

}  // namespace nestor::schedule
