#include "eval/divergence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/refusal.h"
#include "support/silent_progress.h"
#include "support/toy_model.h"

namespace nestor::eval {
namespace {

using testing::ToyModel;

constexpr std::int64_t kVocab = 50;
constexpr float kSharpness = 1.5F;

std::vector<TokenId> some_ids(std::size_t n) {
  std::vector<TokenId> ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<TokenId>(1 + philox(5, i, 0)[0] % (kVocab - 1));
  return ids;
}

std::vector<double> probabilities(const std::vector<float>& logits) {
  std::vector<double> p;
  double sum = 0;
  for (const float v : logits) sum += p.emplace_back(std::exp(static_cast<double>(v)));
  for (double& v : p) v /= sum;
  return p;
}

Divergence measure(lm::LanguageModel& model, lm::LanguageModel& source, std::span<const TokenId> ids,
                   const Windows& windows) {
  testing::SilentProgress progress;
  return divergence(model, source, ids, windows, {}, progress);
}

TEST(Divergence, IsTheDefinitionTokenByToken) {
  for (const Windows w : {Windows{8, 8}, Windows{8, 3}, Windows{64, 64}}) {
    const auto ids = some_ids(30);
    ToyModel model(kVocab), source(kVocab);
    model.sharpness = kSharpness;
    double expected = 0, largest = 0, model_nll = 0, source_nll = 0;
    std::size_t scored = 1;
    for (std::size_t begin = 0; scored < ids.size(); begin += static_cast<std::size_t>(w.stride)) {
      for (; scored < ids.size() && scored <= begin + static_cast<std::size_t>(w.window); ++scored) {
        auto logits = testing::logits_after(std::span(ids).subspan(begin, scored - begin), kVocab);
        const auto p = probabilities(logits);
        for (float& v : logits) v *= kSharpness;
        const auto q = probabilities(logits);
        double kl = 0;
        for (std::size_t i = 0; i < p.size(); ++i) kl += p[i] * std::log(p[i] / q[i]);
        expected += kl;
        largest = std::max(largest, kl);
        model_nll -= std::log(q[static_cast<std::size_t>(ids[scored])]);
        source_nll -= std::log(p[static_cast<std::size_t>(ids[scored])]);
      }
    }
    const Divergence d = measure(model, source, ids, w);
    // Sums of 29 * 50 terms below 16 in double, in another order.
    const double bound = 29 * 50 * 16 * 0x1p-52;
    EXPECT_EQ(d.tokens, 29);
    EXPECT_NEAR(d.divergence, expected, bound);
    EXPECT_NEAR(d.largest, largest, bound);
    EXPECT_NEAR(d.model_nll, model_nll, bound);
    EXPECT_NEAR(d.source_nll, source_nll, bound);
    EXPECT_NEAR(d.perplexity_change(), std::exp((model_nll - source_nll) / 29) - 1, bound);
    EXPECT_EQ(d.agreeing, 29);  // a positive factor keeps the order
    if (w.window == 64) {
      EXPECT_EQ(d.standard_error, 0);  // one window tells nothing about the next
    } else {
      EXPECT_GT(d.standard_error, 0);
    }
  }
}

TEST(Divergence, OfAModelFromItselfIsNothing) {
  ToyModel model(kVocab), source(kVocab);
  const Divergence d = measure(model, source, some_ids(20), {8, 8});
  EXPECT_LT(d.divergence, 19 * 50 * 0x1p-50);
  EXPECT_EQ(d.perplexity_change(), 0);
  EXPECT_EQ(d.agreement(), 1);
}

TEST(Divergence, ModelsAndWindowsThatDoNotFitAreRefused) {
  ToyModel model(kVocab), larger(kVocab + 1), shorter(kVocab, 4);
  EXPECT_REFUSED(measure(model, larger, some_ids(20), {8, 8}), ErrorKind::bad_input, "vocabulary of 50");
  EXPECT_REFUSED(measure(model, shorter, some_ids(20), {8, 8}), ErrorKind::usage, "1 to 4 tokens");
  EXPECT_REFUSED(measure(model, model, some_ids(1), {8, 8}), ErrorKind::bad_input, "at least 2");
  EXPECT_REFUSED(measure(model, model, std::vector<TokenId>{1, 50}, {8, 8}), ErrorKind::bad_input,
                 "token 50");
}

}  // namespace
}  // namespace nestor::eval
