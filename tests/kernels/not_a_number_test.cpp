// A damaged weight shows in the logits: no operation loses what is not a number on the way, be it in a
// maximum or a clamp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/ops.h"
#include "kernels/registry.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"

namespace nestor::kernels {
namespace {

class NotANumber : public ::testing::TestWithParam<std::string> {
 protected:
  const OpTable& ops() { return select_set(GetParam(), cpu_info()); }
};

bool is_nan(float v) { return std::isnan(v); }

TEST_P(NotANumber, IsInWhatARowBecomes) {
  for (const std::int64_t columns : {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 260}) {
    for (const std::int64_t at : {std::int64_t{0}, columns / 2, columns - 1}) {
      auto x = testing::random_floats(columns, 11);
      x[static_cast<std::size_t>(at)] = std::nanf("");
      const std::vector<float> one(x.size(), 1.0F);
      const auto spreads = [&](const std::vector<float>& y) { return std::ranges::all_of(y, is_nan); };
      const auto stays = [&](const std::vector<float>& y) {
        return is_nan(y[static_cast<std::size_t>(at)]) && std::ranges::count_if(y, is_nan) == 1;
      };
      std::vector<float> y(x.size());
      ops().swiglu({x.data(), one.data(), y.data()}, 0, columns);
      EXPECT_TRUE(stays(y)) << at << " of " << columns;
      ops().swiglu({one.data(), x.data(), y.data()}, 0, columns);
      EXPECT_TRUE(stays(y)) << at << " of " << columns;
      y = one;
      ops().add_scaled({x.data(), 0.5F, y.data()}, 0, columns);
      EXPECT_TRUE(stays(y)) << at << " of " << columns;
      ops().layer_norm({x.data(), columns, one.data(), one.data(), 1e-5F, columns, y.data(), columns}, 0, 1);
      EXPECT_TRUE(spreads(y)) << at << " of " << columns;
      y = x;
      ops().softmax({y.data(), columns, columns, nullptr, nullptr}, 0, 1);
      EXPECT_TRUE(spreads(y)) << at << " of " << columns;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, NotANumber, ::testing::ValuesIn(testing::kernel_sets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::kernels
