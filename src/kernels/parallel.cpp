#include "kernels/parallel.h"

#include <immintrin.h>

#include <exception>
#include <utility>

#include "base/error.h"

namespace nestor::kernels {
namespace {

constexpr unsigned kFlushToZero = 0x8000;
constexpr unsigned kDenormalsAreZero = 0x0040;

// Ticks of the processor's clock, some 40 us: longer than the gap between two operations of a layer, far
// shorter than a time slice. (Pauses last 40 cycles on one processor and 140 on another.)
constexpr unsigned long long kSpinTicks = 120'000;

// Waits until `ready` of the word is true: first spinning, then asleep. Returns the word.
template <typename Ready>
std::uint32_t wait_until(std::atomic<std::uint32_t>& word, const Ready& ready) {
  std::uint32_t value = word.load(std::memory_order_acquire);
  if (ready(value)) return value;
  for (const auto start = __rdtsc(); !ready(value) && __rdtsc() - start < kSpinTicks;) {
    _mm_pause();
    value = word.load(std::memory_order_acquire);
  }
  while (!ready(value)) {
    word.wait(value, std::memory_order_acquire);
    value = word.load(std::memory_order_acquire);
  }
  return value;
}

}  // namespace

SubnormalsAreZero::SubnormalsAreZero() : saved_(_mm_getcsr()) {
  _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero);
}

SubnormalsAreZero::~SubnormalsAreZero() { _mm_setcsr(saved_); }

Team::Team(int threads) {
  try {
    for (int worker = 1; worker < threads; ++worker) helpers_.emplace_back([this, worker] { help(worker); });
  } catch (const std::exception& e) {
    end();  // a std::thread that is destroyed unjoined ends the program
    fail(ErrorKind::limit, "cannot start {} threads: {}; use fewer --threads", threads, e.what());
  }
}

Team::~Team() { end(); }

void Team::end() {
  state_.fetch_or(kEnd, std::memory_order_release);
  state_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void Team::take_tiles(int worker) {
  try {
    for (std::int64_t tile = next_++; tile < tiles_; tile = next_++) (*body_)(tile, worker);
  } catch (...) {
    if (!failed_.exchange(true)) error_ = std::current_exception();
    next_ = tiles_;
  }
}

void Team::help(int worker) {
  const SubnormalsAreZero guard;
  std::uint32_t last_job = 0;
  while (true) {
    std::uint32_t seen = wait_until(state_, [&](std::uint32_t s) {
      return (s & kEnd) != 0 || ((s & kOpen) != 0 && s / kJob != last_job);
    });
    if ((seen & kEnd) != 0) return;
    if (!state_.compare_exchange_strong(seen, seen + 1, std::memory_order_acquire)) continue;
    last_job = seen / kJob;
    take_tiles(worker);
    const std::uint32_t before = state_.fetch_sub(1, std::memory_order_release);
    if ((before & kHelpers) == 1 && (before & kOpen) == 0) state_.notify_all();
  }
}

void Team::run(std::int64_t tiles, TileBody body) {
  const SubnormalsAreZero guard;
  if (helpers_.empty() || tiles <= 1) {
    for (std::int64_t tile = 0; tile < tiles; ++tile) body(tile, 0);
    return;
  }
  body_ = &body;
  tiles_ = tiles;
  next_ = 0;
  const std::uint32_t job = (state_.load(std::memory_order_relaxed) / kJob + 1) * kJob;
  state_.store(job | kOpen, std::memory_order_release);
  state_.notify_all();
  take_tiles(0);
  // Closed: whoever has not joined by now is not waited for.
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  wait_until(state_, [](std::uint32_t s) { return (s & kHelpers) == 0; });
  if (failed_.exchange(false)) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace nestor::kernels
