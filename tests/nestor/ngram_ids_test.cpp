// nestor ngram-ids: rows of the n-gram tables, from a folder and from a config.json alone.
#include <gtest/gtest.h>

#include "program.h"

namespace nestor::testing {
namespace {

TEST(NgramIds, EqualTheGoldens) {
  for (const std::string name : {"lite_small", "n3k2", "eos_list"}) {
    for (const Json& golden : read_test_json("golden/" + name + "/expected/cases.json")) {
      SCOPED_TRACE(name + " " + golden["name"].get<std::string>());
      const std::string ids = spaced(golden["ids"].get<std::vector<TokenId>>());
      EXPECT_EQ(json_of({"ngram-ids", test_data("golden/" + name), "--ids", ids}), golden["ngram_ids"]);
    }
  }
}

TEST(NgramIds, NeedsNoWeights) {
  const Scratch scratch;
  const std::string config = scratch.write("config.json", bytes_of(story() + "/config.json"));
  const Json expected = json_of({"ngram-ids", story(), "--ids", "63 1883 601"});
  EXPECT_EQ(expected.size(), 3u);
  EXPECT_EQ(expected[0].size(), 6u);
  EXPECT_EQ(expected[0], Json({63, 63, 63, 63, 63, 63}));  // no predecessors
  EXPECT_EQ(json_of({"ngram-ids", config, "--ids", "63,1883,601"}), expected);
  EXPECT_EQ(json_of({"ngram-ids", "--ids", "63\n1883\t601", config}), expected);
}

TEST(NgramIds, OneLineOfJson) {
  EXPECT_EQ(output_of({"ngram-ids", story(), "--ids", "7"}), "[[7,7,7,7,7,7]]\n");
  EXPECT_EQ(output_of({"ngram-ids", "--ids", ""}), "[]\n");
}

TEST(NgramIds, AModelWithoutTablesSaysSo) {
  expect_error({"ngram-ids", test_data("golden/plain_flash"), "--ids", "1"}, 1, "has no n-gram tables");
}

}  // namespace
}  // namespace nestor::testing
