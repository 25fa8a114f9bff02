// Masks of all grammars share one bounded memory; a mask that is made again is the same.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "random_schema.h"

namespace nestor::grammar::testing {
namespace {

using Masks = std::vector<std::vector<std::uint64_t>>;

/// Strings of so many characters: hundreds of masks.
std::shared_ptr<const Grammar> strings(int characters) {
  return Grammar::from_json_schema(
      {{"type", "string"}, {"minLength", characters}, {"maxLength", characters}});
}

Masks masks_of(const std::shared_ptr<const Grammar>& grammar,
               const std::shared_ptr<const Vocabulary>& vocabulary, int characters) {
  GrammarConstraint constraint(grammar, vocabulary);
  Masks masks;
  for (int i = 0; i <= characters; ++i) {
    masks.emplace_back((static_cast<std::size_t>(vocabulary->id_limit()) + 63) / 64, 0);
    constraint.allowed(masks.back());
    constraint.accept(100 + (i == 0 ? '"' : 'a'));
  }
  return masks;
}

std::shared_ptr<const Vocabulary> vocabulary_that_keeps(std::size_t bytes) {
  const std::vector<TokenId> stop = {kStop};
  return std::make_shared<const Vocabulary>(small_tokens(), control_tokens(), stop, bytes);
}

TEST(MaskMemory, IsBoundedForAllGrammarsTogether) {
  constexpr int kCharacters = 90;
  const auto roomy = vocabulary_that_keeps(std::size_t{1} << 30);
  std::vector<std::shared_ptr<const Grammar>> grammars;
  for (int i = 0; i < 6; ++i) grammars.push_back(strings(kCharacters + i));
  std::vector<Masks> expected;
  for (const auto& grammar : grammars) expected.push_back(masks_of(grammar, roomy, kCharacters));
  const std::size_t all = roomy->mask_memory()->bytes();
  ASSERT_GT(all, 6U * 300);
  for (const std::size_t most : {all / 2, all / 5, all / 40, std::size_t{0}}) {
    const auto tight = vocabulary_that_keeps(most);
    std::size_t largest = 0;
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < grammars.size(); ++i) {
        EXPECT_EQ(masks_of(grammars[i], tight, kCharacters), expected[i]) << most;
        largest = std::max(largest, tight->mask_memory()->bytes());
      }
    }
    constexpr std::size_t kOne = 1024;  // a mask may be larger than all that is to be kept
    EXPECT_LE(largest, std::max(most, kOne));
    EXPECT_GE(largest, most / 4);
  }
}

TEST(MaskMemory, LetsGoWhatWasUsedLongestAgo) {
  constexpr int kCharacters = 60;
  const auto first = strings(kCharacters), second = strings(kCharacters + 1),
             third = strings(kCharacters + 2);
  const auto roomy = vocabulary_that_keeps(std::size_t{1} << 30);
  masks_of(first, roomy, kCharacters);
  const std::size_t one = roomy->mask_memory()->bytes();

  const auto tight = vocabulary_that_keeps(one * 5 / 2);
  masks_of(first, tight, kCharacters);
  const auto known = [&](const std::shared_ptr<const Grammar>& grammar) {
    const std::size_t before = tight->mask_memory()->bytes();
    masks_of(grammar, tight, kCharacters);
    return tight->mask_memory()->bytes() == before;
  };
  EXPECT_FALSE(known(second));
  EXPECT_TRUE(known(first));
  masks_of(third, tight, kCharacters);  // no room beside the second one, whose turn is longest ago
  EXPECT_TRUE(known(first));
  EXPECT_TRUE(known(third));
  EXPECT_LE(tight->mask_memory()->bytes(), one * 5 / 2);
}

TEST(MaskMemory, OfAGrammarThatIsGoneIsFree) {
  const auto vocabulary = vocabulary_that_keeps(MaskMemory::kMostBytes);
  auto gone = strings(50), stays = strings(51);
  masks_of(stays, vocabulary, 50);
  const std::size_t before = vocabulary->mask_memory()->bytes();
  masks_of(gone, vocabulary, 50);
  EXPECT_GT(vocabulary->mask_memory()->bytes(), before);
  gone.reset();
  EXPECT_EQ(vocabulary->mask_memory()->bytes(), before);
}

}  // namespace
}  // namespace nestor::grammar::testing
