#include "kernels/parallel.h"

#include <omp.h>
#include <xmmintrin.h>

#include <algorithm>
#include <atomic>
#include <exception>

// The thread sanitizer does not see libgomp's barriers: what happens before a region and what after is told to it by
// hand, and this file itself is built without it (cmake/nestor_room.cmake, nestor_parallel_source).
#ifdef NESTOR_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#else
static void __tsan_acquire(void*) {}
static void __tsan_release(void*) {}
#endif

namespace nestor::kernels {
namespace {

constexpr unsigned kFlushToZero = 0x8000;
constexpr unsigned kDenormalsAreZero = 0x0040;

}  // namespace

SubnormalsAreZero::SubnormalsAreZero() : saved_(_mm_getcsr()) {
  _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero);
}

SubnormalsAreZero::~SubnormalsAreZero() { _mm_setcsr(saved_); }

void Team::run(std::int64_t tiles, const std::function<void(std::int64_t, int)>& body) const {
  const int workers = static_cast<int>(std::min<std::int64_t>(threads_, tiles));
  if (workers <= 1) {
    const SubnormalsAreZero guard;
    for (std::int64_t tile = 0; tile < tiles; ++tile) body(tile, 0);
    return;
  }
  std::atomic<std::int64_t> next = 0;
  std::atomic<bool> failed = false;
  std::exception_ptr first_error;
  char entered = 0;  // only their addresses matter
  char left = 0;
  __tsan_release(&entered);
#pragma omp parallel num_threads(workers)
  {
    __tsan_acquire(&entered);
    const SubnormalsAreZero guard;
    try {
      for (std::int64_t tile = next++; tile < tiles; tile = next++) body(tile, omp_get_thread_num());
    } catch (...) {
      if (!failed.exchange(true)) first_error = std::current_exception();
      next = tiles;
    }
    __tsan_release(&left);
  }
  __tsan_acquire(&left);
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace nestor::kernels
