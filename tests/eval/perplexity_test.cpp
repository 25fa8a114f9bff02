#include "eval/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/json.h"
#include "decode/logprobs.h"
#include "eval/prompt.h"
#include "story.h"
#include "support/golden.h"
#include "support/refusal.h"
#include "support/silent_progress.h"
#include "support/toy_model.h"

namespace nestor::eval {
namespace {

using testing::ToyModel;

std::vector<TokenId> ids_of_length(std::size_t n) {
  std::vector<TokenId> ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<TokenId>(300 + philox(5, i, 0)[0] % 3000);
  return ids;
}

Perplexity measure(lm::LanguageModel& model, std::span<const TokenId> ids, const Windows& windows) {
  testing::SilentProgress progress;
  return perplexity(model, story_tokenizer(), ids, windows, {}, progress);
}

TEST(Perplexity, EveryTokenButTheFirstIsScoredOnceInItsWindow) {
  const std::int64_t vocab = 4096;
  for (const std::size_t length : {2U, 3U, 16U, 17U, 18U, 33U, 50U}) {
    const auto ids = ids_of_length(length);
    for (const Windows w :
         {Windows{16, 16}, Windows{16, 5}, Windows{1, 1}, Windows{64, 64}, Windows{16, 1}}) {
      ToyModel model(vocab, 64);
      double expected = 0;
      std::int64_t scored = 1;
      for (std::int64_t begin = 0; scored < std::ssize(ids); begin += w.stride) {
        for (; scored < std::ssize(ids) && scored <= begin + w.window; ++scored) {
          const auto history = std::span(ids).subspan(static_cast<std::size_t>(begin),
                                                      static_cast<std::size_t>(scored - begin));
          const auto row = testing::logits_after(history, vocab);
          expected +=
              decode::log_sum_exp(row) -
              static_cast<double>(row[static_cast<std::size_t>(ids[static_cast<std::size_t>(scored)])]);
        }
      }
      const Perplexity p = measure(model, ids, w);
      EXPECT_EQ(p.tokens, std::ssize(ids) - 1);
      // Sums of at most 50 terms below 20 in another order: 50 roundings of 2^-53 relative to less than 1000.
      EXPECT_NEAR(p.negative_log_likelihood, expected, 50 * 1000 * 0x1p-53);
      EXPECT_EQ(p.perplexity(), std::exp(p.negative_log_likelihood / static_cast<double>(p.tokens)));
    }
  }
}

// tests/data/golden/story/expected/heldout.json: the same protocol by an independent implementation in
// float32.
TEST(Perplexity, OfTheGoldenText) {
  const auto model = testing::open_model(story_folder(), "auto");
  const Json expected = read_json(testing::golden_folder("story") / "expected" / "heldout.json", 1 << 20);
  const auto text = read_file(testing::golden_folder("story") / "expected" / "heldout.txt", 1 << 20);
  const Perplexity p = measure(*model, encode_text(story_tokenizer(), text), {512, 512});
  EXPECT_EQ(p.tokens, expected.at("predicted_tokens").get<std::int64_t>());
  EXPECT_EQ(p.bytes, expected.at("predicted_bytes").get<std::int64_t>());
  // Logits agree within 2e-4 of the largest (tests/model/golden_test.cpp), which is below 30; the mean over
  // 15,904 tokens moves by no more than twice the largest difference. The file gives six decimals.
  EXPECT_NEAR(p.nll_per_token(), expected.at("nll_nats_per_token").get<double>(), 2 * 30 * 2e-4);
  EXPECT_NEAR(p.bits_per_byte(), expected.at("bits_per_byte").get<double>(), 1e-3);
  EXPECT_GT(p.standard_error, 0);
}

TEST(Perplexity, RefusesWindowsAndTextsThatMakeNoSense) {
  ToyModel model(4096, 64);
  const auto ids = ids_of_length(20);
  EXPECT_REFUSED(measure(model, ids, {65, 65}), ErrorKind::usage, "1 to 64");
  EXPECT_REFUSED(measure(model, ids, {0, 1}), ErrorKind::usage, "window");
  EXPECT_REFUSED(measure(model, ids, {16, 17}), ErrorKind::usage, "stride");
  EXPECT_REFUSED(measure(model, ids, {16, 0}), ErrorKind::usage, "stride");
  EXPECT_REFUSED(measure(model, std::span(ids).first(1), {16, 16}), ErrorKind::bad_input, "at least 2");
}

}  // namespace
}  // namespace nestor::eval
