// The golden checkpoints on every kernel set that this machine runs.
//
// Tolerance. A float32 dot product of K terms added in any order is off by at most about K u sum|x w|, u =
// 2^-24, and typically by sqrt(K) u; activations pass some 10 such products per layer. With K <= 200 and 2-3
// layers the typical sum is sqrt(30 * 200) u = 5e-6 of the values' size, which is what independent
// implementations differ by (1e-6 to 1e-5). 2e-4 leaves a factor of 20 to 200 and is 500 times below what the
// smallest of 34 deliberate mistakes changes (0.1).
#include <gtest/gtest.h>

#include "hash/ngram_hash.h"
#include "kernels/registry.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/recorder.h"

namespace nestor {
namespace {

constexpr double kTolerance = 2e-4;

struct Param {
  std::string golden;
  std::string kernels;
};

class Golden : public ::testing::TestWithParam<Param> {};

std::vector<Param> all_params() {
  std::vector<Param> params;
  for (const std::string& golden : testing::golden_names()) {
    for (const std::string_view kernels : kernels::runnable_sets(cpu_info())) {
      params.push_back({golden, std::string(kernels)});
    }
  }
  return params;
}

TEST_P(Golden, NgramIdsAreEqual) {
  const auto model = testing::open_model(testing::golden_folder(GetParam().golden), GetParam().kernels);
  for (const auto& c : testing::golden_cases(GetParam().golden)) {
    if (!model->config().ngram) {
      EXPECT_TRUE(c.ngram_ids.is_null());
      continue;
    }
    const hash::NgramHash hash(*model->config().ngram, model->config().eos_token_ids);
    const auto rows = hash.rows_from(c.ids, 0);
    std::vector<std::int64_t> expected;
    for (const Json& row : c.ngram_ids) {
      for (const Json& id : row) expected.push_back(id.get<std::int64_t>());
    }
    EXPECT_EQ(rows, expected) << c.name;
  }
}

TEST_P(Golden, LogitsAgree) {
  const auto model = testing::open_model(testing::golden_folder(GetParam().golden), GetParam().kernels);
  for (const auto& c : testing::golden_cases(GetParam().golden)) {
    const auto logits = testing::all_logits(*model, c.ids, c.ids.size());
    EXPECT_LT(testing::relative_difference(logits, c.logits.floats), kTolerance) << c.name;
  }
}

TEST_P(Golden, GreedyContinuationsAreEqual) {
  const auto model = testing::open_model(testing::golden_folder(GetParam().golden), GetParam().kernels);
  for (const auto& c : testing::golden_cases(GetParam().golden)) {
    for (const auto& wanted : {c.greedy, c.greedy_past_eos}) {
      const lm::Sequence sequence(*model);
      std::vector<TokenId> next = wanted.prompt;
      std::vector<TokenId> generated;
      while (generated.size() < wanted.tokens.size()) {
        const std::vector<lm::Chunk> batch = {{sequence.id(), next}};
        const auto row = model->forward(batch).row(0);
        next = {static_cast<TokenId>(std::max_element(row.begin(), row.end()) - row.begin())};
        generated.push_back(next[0]);
      }
      EXPECT_EQ(generated, wanted.tokens) << c.name;
    }
  }
}

TEST_P(Golden, EveryActivationAgrees) {
  const auto folder = testing::golden_folder(GetParam().golden);
  const auto model = testing::open_model(folder, GetParam().kernels);
  const auto expected = testing::read_npz(folder / "expected" / "len7.activations.npz");
  ASSERT_GT(expected.size(), 10U);
  for (const auto& c : testing::golden_cases(GetParam().golden)) {
    if (c.name != "len7") continue;
    const lm::Sequence sequence(*model);
    const std::vector<lm::Chunk> batch = {{sequence.id(), c.ids, std::ssize(c.ids)}};
    testing::Recorder recorder;
    model->forward(batch, recorder);
    std::size_t compared = 0;
    for (const auto& [name, array] : expected) {
      if (name.ends_with(".chosen")) {
        EXPECT_EQ(recorder.chosen[name], array.whole) << name;
      } else if (!name.ends_with(".gap")) {
        EXPECT_LT(testing::relative_difference(recorder.seen[name], array.floats), kTolerance) << name;
        ++compared;
      }
    }
    EXPECT_EQ(compared, recorder.seen.size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Golden, ::testing::ValuesIn(all_params()),
                         [](const auto& test) { return test.param.golden + "_" + test.param.kernels; });

}  // namespace
}  // namespace nestor
