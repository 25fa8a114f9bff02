// Memory for arrays that vectors pass over.
#pragma once

#include <cstddef>

namespace nestor {

/// `bytes` that begin at a cache line, not initialised; null if there is no memory. From 2 MiB on they begin
/// at a huge page, and the system is asked to use those: fewer addresses to look up where rows lie far apart.
void* allocate_aligned(std::size_t bytes) noexcept;

/// For std::unique_ptr to such memory.
struct AlignedFree {
  void operator()(void* memory) const noexcept;
};

}  // namespace nestor
