// Allocations that fail where a test says so: this program replaces operator new.
#pragma once

#include <cstdint>
#include <limits>

namespace nestor::testing {

/// Whose allocations are counted and may fail.
enum class Threads { this_one, others };

/// While it lives, allocations fail from number `first` (from 0) on, so many of them. One at a time.
class FailingNew {
 public:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

  FailingNew(Threads threads, std::int64_t first, std::int64_t count);
  ~FailingNew();
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;

  /// Allocations so far, those that failed included.
  std::int64_t allocations() const;
  bool has_failed() const { return allocations() > first_; }

 private:
  std::int64_t first_;
};

}  // namespace nestor::testing
