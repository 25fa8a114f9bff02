// What is made of measurements; how fast anything is no test can say.
#include "measure/speed.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nestor::measure {
namespace {

TEST(Speed, ADecodeShareIsWeightsReadPerSecondOfWhatMemoryGives) {
  DecodeSpeed s;
  s.what = {.depth = 0, .sequences = 3, .rows = 2};
  s.steps_s = 10;
  s.weight_bytes = 2e9;
  s.dram_bytes_s = 25e9;
  EXPECT_DOUBLE_EQ(s.tokens_s(), 60);
  EXPECT_DOUBLE_EQ(s.share(), 0.8);
}

TEST(Speed, APromptShareCountsCodesAndWithoutThemFloats) {
  PromptSpeed s;
  s.tokens = 100;
  s.seconds = 2;
  s.work = {.weight_bytes = 1, .code_products = 3'000, .float_products = 500};
  s.int8_peak = 6'000;
  s.fp32_peak = 1'000;
  EXPECT_DOUBLE_EQ(s.tokens_s(), 50);
  EXPECT_DOUBLE_EQ(s.share(), 0.5);  // two operations for a multiply-add
  s.work.code_products = 0;
  EXPECT_DOUBLE_EQ(s.share(), 0.5);
}

TEST(Speed, RandomIdsAreReproducibleInTheVocabularyAndNoEndOfSequence) {
  lm::Info info;
  info.vocab_size = 7;
  info.eos_ids = {2, 5};
  const auto ids = random_ids(info, 300, 9);
  EXPECT_EQ(ids, random_ids(info, 300, 9));
  EXPECT_NE(ids, random_ids(info, 300, 10));
  ASSERT_EQ(ids.size(), 300u);
  for (const TokenId id : {0, 1, 3, 4, 6}) EXPECT_NE(std::find(ids.begin(), ids.end(), id), ids.end()) << id;
  for (const TokenId id : ids) EXPECT_TRUE(id >= 0 && id < 7 && id != 2 && id != 5) << id;
}

}  // namespace
}  // namespace nestor::measure
