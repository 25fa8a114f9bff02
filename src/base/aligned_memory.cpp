#include "base/aligned_memory.h"

#include <sys/mman.h>

#include <cstdlib>

namespace nestor {
namespace {

constexpr std::size_t kCacheLine = 64, kHugePage = std::size_t{2} << 20;

}  // namespace

void* allocate_aligned(std::size_t bytes) noexcept {
  const bool large = bytes >= kHugePage;
  void* memory = nullptr;
  if (::posix_memalign(&memory, large ? kHugePage : kCacheLine, bytes) != 0) return nullptr;
  if (large) ::madvise(memory, bytes, MADV_HUGEPAGE);  // advice: ordinary pages do as well
  return memory;
}

void AlignedFree::operator()(void* memory) const noexcept { std::free(memory); }

}  // namespace nestor
