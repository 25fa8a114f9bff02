// The model that comes with Nestor, used where none is named: what it promises, and that it writes.
#include <gtest/gtest.h>

#include <iterator>
#include <set>
#include <sstream>

#include "program.h"

namespace nestor::testing {
namespace {

TEST(Bundled, IsUsedWithoutAName) {
  const Json found = json_of({"inspect", "--json"});
  EXPECT_EQ(found["config"]["hidden_size"], 256);
  EXPECT_EQ(found["draft"]["present"], true);
  // As a reader needs it that takes the ratio for a whole number.
  EXPECT_EQ(found["config"]["ngram"]["ngram_vocab_size_ratio"], 8);
  EXPECT_EQ(output_of({"detokenize", "--ids", "634 2290 2431"}), "Once upon");
}

// The story model reaches 1.4550 on this text, which neither was trained on.
TEST(Bundled, PredictsTextItHasNotSeen) {
  const Json result = json_of({"eval", "--text", test_data("golden/story/expected/heldout.txt"), "--json"});
  EXPECT_LT(result["bits_per_byte"], 1.36);
}

TEST(Bundled, WritesDifferentWords) {
  const std::string text =
      output_of({"run", "-p", "Once upon a time there was", "-n", "200", "--seed", "4", "--ignore-eos"});
  std::istringstream words(text);
  const std::set<std::string> different{std::istream_iterator<std::string>(words), {}};
  EXPECT_GT(different.size(), 60U) << text;
}

}  // namespace
}  // namespace nestor::testing
