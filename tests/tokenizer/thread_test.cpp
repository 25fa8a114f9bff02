// Many threads, one tokenizer: the same ids as one thread gets. The thread sanitizer looks on in its preset.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "support/paths.h"
#include "tokenizer/tokenizer.h"

namespace nestor::tokenizer {
namespace {

TEST(Threads, EncodeAtOnce) {
  const auto path = nestor::testing::test_data_folder() / "tokenizer" / "nfkc_lower_punct" / "tokenizer.json";
  const Tokenizer t = Tokenizer::load(path);
  const auto text_of = [](int i) {
    return "Nº " + std::to_string(i * 7919) + ": WHAT'S this — SHOUT, " +
           std::string(static_cast<std::size_t>(i), 'x');
  };
  constexpr int kTexts = 100;
  std::vector<std::vector<TokenId>> alone;
  for (int i = 0; i < kTexts; ++i) {
    alone.push_back(t.encode(text_of(i), PostProcess::add, ControlTokens::everywhere()));
  }
  std::vector<std::vector<std::vector<TokenId>>> together(4);
  {
    std::vector<std::jthread> threads;
    for (auto& results : together) {
      threads.emplace_back([&] {
        const Tokenizer own = Tokenizer::load(path);  // loading at once is safe too
        for (int i = 0; i < kTexts; ++i) {
          results.push_back(
              (i % 2 == 0 ? t : own).encode(text_of(i), PostProcess::add, ControlTokens::everywhere()));
        }
      });
    }
  }
  for (const auto& results : together) EXPECT_EQ(results, alone);
}

}  // namespace
}  // namespace nestor::tokenizer
