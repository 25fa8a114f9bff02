// Evaluation windows: the protocol written out, and every token counted.
#include "corpus/windows.h"

#include <gtest/gtest.h>

#include "support/refusal.h"

namespace nestor::testing {
namespace {

using corpus::eval_windows;
using corpus::EvalWindow;

TEST(EvalWindows, WithoutOverlap) {
  // Window w feeds ids[4w, 4w + 4) and is scored on ids[4w + 1, 4w + 5).
  EXPECT_EQ(eval_windows(10, 4, 4), (std::vector<EvalWindow>{{0, 4, 0}, {4, 4, 0}, {8, 1, 0}}));
  EXPECT_EQ(eval_windows(9, 4, 4), (std::vector<EvalWindow>{{0, 4, 0}, {4, 4, 0}}));
  EXPECT_EQ(eval_windows(3, 4, 4), (std::vector<EvalWindow>{{0, 2, 0}}));
}

TEST(EvalWindows, WithOverlapOnlyTheNewTokensCount) {
  EXPECT_EQ(eval_windows(10, 4, 2), (std::vector<EvalWindow>{{0, 4, 0}, {2, 4, 2}, {4, 4, 2}, {6, 3, 2}}));
}

TEST(EvalWindows, NothingToScore) {
  EXPECT_TRUE(eval_windows(0, 4, 4).empty());
  EXPECT_TRUE(eval_windows(1, 4, 4).empty());
}

TEST(EvalWindows, EveryTokenButTheFirstOnce) {
  for (std::int64_t tokens = 0; tokens < 30; ++tokens) {
    for (std::int64_t window = 1; window < 12; ++window) {
      for (std::int64_t stride = 1; stride <= window; ++stride) {
        std::vector<int> scored(static_cast<std::size_t>(tokens));
        for (const EvalWindow& w : eval_windows(tokens, window, stride)) {
          ASSERT_LE(w.length, window);
          ASSERT_GT(w.scored(), 0);
          ASSERT_GE(w.scored_from, w.first == 0 ? 0 : window - stride);
          for (std::int64_t p = w.scored_from; p < w.length; ++p)
            ++scored.at(static_cast<std::size_t>(w.first + p + 1));
        }
        for (std::size_t i = 0; i < scored.size(); ++i) ASSERT_EQ(scored[i], i == 0 ? 0 : 1);
      }
    }
  }
}

TEST(EvalWindows, Misuse) {
  EXPECT_REFUSED(eval_windows(10, 4, 5), ErrorKind::usage, "stride");
  EXPECT_REFUSED(eval_windows(10, 4, 0), ErrorKind::usage, "stride");
  EXPECT_REFUSED(eval_windows(-1, 4, 4), ErrorKind::usage, "stride");
}

}  // namespace
}  // namespace nestor::testing
