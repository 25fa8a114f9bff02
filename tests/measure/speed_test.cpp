// What is made of measurements; how fast anything is no test can say.
#include "measure/speed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>

#include "measure/ceilings.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "support/toy_model.h"

namespace nestor::measure {
namespace {

constexpr std::size_t kPage = std::size_t{2} << 20;

// A model whose every forward pass reads 7 bytes of weights and multiplies 11 codes.
class Counted {
 public:
  testing::ToyModel model{50, 5000};
  Subject subject() {
    return {model,
            [this] {
              return kernels::Work{.weight_bytes = 7 * model.forwards, .code_products = 11 * model.forwards};
            },
            1};
  }
};

TEST(Speed, ADecodeShareIsWeightsReadPerSecondOfWhatMemoryGives) {
  DecodeSpeed s;
  s.what = {.depth = 0, .sequences = 3, .rows = 2};
  s.steps_s = 10;
  s.weight_bytes = 2e9;
  s.dram_bytes_s = 25e9;
  EXPECT_DOUBLE_EQ(s.tokens_s(), 60);
  EXPECT_DOUBLE_EQ(s.share().value(), 0.8);
}

TEST(Speed, AShareThatSaysNothingIsNone) {
  DecodeSpeed s;
  s.steps_s = 10;
  s.weight_bytes = 2e9;
  s.dram_bytes_s = 19.9e9;
  EXPECT_FALSE(s.share());  // faster than memory
  s.dram_bytes_s = 20e9;
  EXPECT_TRUE(s.share());
  s.steady = false;
  EXPECT_FALSE(s.share());
}

TEST(Rates, TheMiddleAndWhetherTheyAgree) {
  const auto of = [](std::initializer_list<double> values) {
    Rates rates;
    for (const double value : values) rates.add(value);
    return rates;
  };
  EXPECT_EQ(of({}).median(), 0);
  EXPECT_FALSE(of({}).steady());
  EXPECT_EQ(of({7}).median(), 7);
  EXPECT_TRUE(of({7}).steady());
  EXPECT_EQ(of({9, 1, 5}).median(), 5);
  EXPECT_TRUE(of({30, 40}).steady());
  EXPECT_FALSE(of({30, 41}).steady());
  // Two speeds are none; one slow moment among eight is no second speed.
  EXPECT_FALSE(of({28, 55, 28, 55, 28, 55, 28, 55}).steady());
  EXPECT_TRUE(of({55, 55, 56, 54, 10, 55, 55, 56}).steady());
}

TEST(Speed, APromptShareCountsCodesElseRoundedNumbersElseFloats) {
  PromptSpeed s;
  s.tokens = 100;
  s.seconds = 2;
  s.work = {.weight_bytes = 1, .code_products = 3'000, .float_products = 500, .rounded_products = 600};
  s.int8_peak = 6'000;
  s.bf16_peak = 2'400;
  s.fp32_peak = 1'000;
  EXPECT_DOUBLE_EQ(s.tokens_s(), 50);
  EXPECT_DOUBLE_EQ(s.share(), 0.5);  // two operations for a multiply-add
  s.work.code_products = 0;
  EXPECT_DOUBLE_EQ(s.share(), 0.25);
  s.work.rounded_products = 0;
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

TEST(Speed, DecodingFeedsEverySequenceItsRowsBehindACommonPast) {
  const Memory memory(kPage);
  for (const DecodeCase what :
       {DecodeCase{}, DecodeCase{1, 1, 1}, DecodeCase{513, 3, 2}, DecodeCase{1025, 2, 1}}) {
    Counted counted;
    const DecodeSpeed speed = decode_speed(counted.subject(), what, 9, 4, memory);
    const std::int64_t pieces = (what.depth + 511) / 512;
    EXPECT_EQ(counted.model.forwards, pieces + kWarmUpSteps + 9);
    EXPECT_EQ(counted.model.fed, what.depth + (kWarmUpSteps + 9) * what.sequences * what.rows);
    EXPECT_LE(counted.model.longest_chunk, 512);
    EXPECT_EQ(speed.weight_bytes, 7) << "of one step, without those before it";
    EXPECT_EQ(counted.model.open_now(), 0);
    EXPECT_GT(speed.steps_s, 0);
    EXPECT_GT(speed.dram_bytes_s, 0);
    EXPECT_EQ(speed.what.depth, what.depth);
  }
}

TEST(Speed, APromptIsOneForwardPassARoundAndTheBestOneCounts) {
  Counted counted;
  const PromptSpeed speed = prompt_speed(counted.subject(), 33, 3, 4);
  EXPECT_EQ(counted.model.forwards, 3);
  EXPECT_EQ(counted.model.fed, 99);
  EXPECT_EQ(counted.model.longest_chunk, 33);
  EXPECT_EQ(counted.model.open_now(), 0);
  EXPECT_EQ(speed.tokens, 33);
  EXPECT_EQ(speed.work.weight_bytes, 7);
  EXPECT_EQ(speed.work.code_products, 11);
  EXPECT_TRUE((speed.numbers() == PromptSpeed::Numbers::codes));
  EXPECT_GT(speed.seconds, 0);
  EXPECT_GT(speed.int8_peak, 0);
  EXPECT_GT(speed.fp32_peak, 0);
}

TEST(Speed, AModelThatFailsLeavesNoSequenceOpen) {
  const Memory memory(kPage);
  for (const std::int64_t at : {1, 2, 4, 6}) {
    Counted counted;
    counted.model.fail_at = at;
    EXPECT_REFUSED(decode_speed(counted.subject(), {.depth = 600, .sequences = 2}, 5, 1, memory),
                   ErrorKind::io, "told to fail");
    EXPECT_EQ(counted.model.open_now(), 0) << at;
  }
  Counted counted;
  counted.model.fail_at = 1;
  EXPECT_REFUSED(prompt_speed(counted.subject(), 5, 2, 1), ErrorKind::io, "told to fail");
  EXPECT_EQ(counted.model.open_now(), 0);
}

// Shares that no stream of 128 bytes divides, down to nothing.
TEST(Ceilings, ReadsStayInsideTheirMemory) {
  const Memory memory(kPage);
  EXPECT_EQ(memory.bytes(), kPage);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % kPage, 0U);
  EXPECT_EQ(memory.data()[0], 1);
  EXPECT_EQ(memory.data()[kPage - 1], 1);
  for (const int threads : {1, 2, 3}) {
    kernels::Team team(threads);
    for (const int streams : {1, 2, 4, 8}) {
      for (const int bytes_ahead : {0, 64, 1 << 24}) {
        for (const std::size_t bytes : {std::size_t{1}, std::size_t{4096 * 3 + 5}, kPage - 1, kPage})
          EXPECT_GT(read_rate(team, memory.all().first(bytes), {streams, bytes_ahead}), 0);
      }
    }
    EXPECT_GT(cache_read(team, memory, kPage, 1), 0);
    EXPECT_GT(cache_read(team, memory, 1000, 2), 0);
    EXPECT_GT(dram_read(team, memory, 3), 0);
  }
}

TEST(Ceilings, ADiskNeedsAFile) {
  const testing::ScratchFolder folder;
  EXPECT_REFUSED(disk_reads(folder.path() / "nothing", 2), ErrorKind::not_found, "nothing");
}

}  // namespace
}  // namespace nestor::measure
