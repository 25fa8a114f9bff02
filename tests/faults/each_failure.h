// The same work again and again, with another one of its allocations failing each time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <new>

#include "failing_new.h"

namespace nestor::testing {

/// How many of the failures are tried: some of them on every change, more with `ctest -C All`.
struct Failures {
  std::int64_t most = 200;
};

/// Runs `work` with each of its allocations failing, alone and with all that follow, or with as many of them
/// as are to be tried. What it throws must be std::bad_alloc. `check` runs after each, with memory again.
template <typename Work, typename Check>
void fail_each_allocation(const Failures& failures, const Work& work, const Check& check) {
  std::int64_t total = 0;
  {
    const FailingNew counting(Threads::this_one, FailingNew::kNone, 1);
    work();
    total = counting.allocations();
  }
  ASSERT_GT(total, 0);
  const std::int64_t tries = std::min(total, failures.most);
  std::int64_t thrown = 0;
  for (std::int64_t i = 0; i < tries; ++i) {
    for (const std::int64_t count : {std::int64_t{1}, FailingNew::kNone}) {
      const std::int64_t at = i * total / tries;
      try {
        const FailingNew failing(Threads::this_one, at, count);
        work();
      } catch (const std::bad_alloc&) {
        ++thrown;
      } catch (const std::exception& e) {
        ADD_FAILURE() << "allocation " << at << " of " << total << ": " << e.what();
      }
      check();
    }
  }
  EXPECT_GT(thrown, tries / 2);  // a few are for what can be done without
}

}  // namespace nestor::testing
