// How much memory there is.
#pragma once

#include <cstdint>

namespace nestor {

/// Bytes, by the system and by the control groups that the process is in. Where the system does not tell, as
/// much as anyone could want.
struct SystemMemory {
  std::uint64_t total = 0;
  /// What new allocations may take without swapping; files that memory holds give way to them.
  std::uint64_t available = 0;
};
SystemMemory system_memory();

}  // namespace nestor
