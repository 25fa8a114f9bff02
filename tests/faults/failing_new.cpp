#include "failing_new.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

enum class Mode { off, this_one, others };

std::atomic<Mode> mode{Mode::off};
std::atomic<std::int64_t> seen{0}, first_to_fail{0}, end_of_failures{0};
thread_local bool is_the_tests = false;

bool fails() {
  const Mode now = mode.load(std::memory_order_acquire);
  if (now == Mode::off || (now == Mode::this_one) != is_the_tests) return false;
  const std::int64_t number = seen.fetch_add(1);
  return number >= first_to_fail && number < end_of_failures;
}

void* given(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

namespace nestor::testing {

FailingNew::FailingNew(Threads threads, std::int64_t first, std::int64_t count) : first_(first) {
  is_the_tests = true;
  seen = 0;
  first_to_fail = first;
  end_of_failures = first > kNone - count ? kNone : first + count;
  mode.store(threads == Threads::this_one ? Mode::this_one : Mode::others, std::memory_order_release);
}

FailingNew::~FailingNew() {
  mode.store(Mode::off, std::memory_order_release);
  is_the_tests = false;
}

std::int64_t FailingNew::allocations() const { return seen; }

}  // namespace nestor::testing

// The other forms end up in these; that without an exception does not where a sanitizer has its own.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(std::max<std::size_t>(size, 1));
}
void* operator new(std::size_t size) { return given(operator new(size, std::nothrow)); }
void* operator new(std::size_t size, std::align_val_t align) {
  const auto to = static_cast<std::size_t>(align);
  return given(fails() ? nullptr
                       : std::aligned_alloc(to, (std::max<std::size_t>(size, 1) + to - 1) / to * to));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

// Names what only the JSON library can lose: its constructor for lists leaves its first allocation where a
// later one fails. Everything else that is lost counts.
extern "C" const char* __lsan_default_suppressions() { return "leak:basic_json(std::initializer_list"; }
