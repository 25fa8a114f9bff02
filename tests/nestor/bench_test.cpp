// nestor bench: what it reports, not how fast anything is.
#include <gtest/gtest.h>

#include <sstream>

#include "program.h"

namespace nestor::testing {
namespace {

Json last_line(const std::string& out) {
  std::istringstream stream(out);
  std::string last;
  for (std::string line; std::getline(stream, line);) last = line;
  return Json::parse(last);
}

TEST(Bench, TheLastLineIsAnObjectWithTheFiguresOfTheModel) {
  const std::string out = output_of({"bench", "--threads", "1", "--prompt", "5", "--rounds", "1", "-n", "2",
                                     "--depths", "0,3", "--sequences", "1,2"});
  const Json report = last_line(out);
  for (const char* key : {"decode_tok_s", "prefill_tok_s", "weight_bytes_per_token", "dram_read_bytes_per_s",
                          "prefill_share"}) {
    ASSERT_TRUE(report.contains(key)) << key;
    EXPECT_GT(report[key].get<double>(), 0) << key;
  }
  EXPECT_TRUE(report["decode_share"].is_null() || report["decode_share"] <= 1);
  EXPECT_EQ(report["streams"], "");  // a cache holds the bundled model
  EXPECT_EQ(report["threads"], 1);
  EXPECT_TRUE(report["cpu"].is_string());
  EXPECT_EQ(report["prefill_tokens"], 5);
  ASSERT_EQ(report["decode"].size(), 5u);  // two depths, two numbers of sequences, and four rows at once
  EXPECT_EQ(report["decode"][3]["depth"], 3);
  EXPECT_EQ(report["decode"][3]["sequences"], 2);
  EXPECT_EQ(report["decode"][4]["rows"], 4);
  // Two sequences touch at least what one does, and not every byte twice: the dense matrices are shared.
  const double one = report["decode"][0]["weight_bytes_per_step"].get<double>();
  const double two = report["decode"][1]["weight_bytes_per_step"].get<double>();
  EXPECT_GE(two, one);
  EXPECT_LT(two, 2 * one);
}

TEST(Bench, DepthsThatDoNotFitAreLeftOutOrRefused) {
  const Arguments quick = {"bench",    "--threads", "1",  "--ctx", "64",          "--prompt", "5",
                           "--rounds", "1",         "-n", "1",     "--sequences", "1"};
  const Json report = last_line(output_of(quick));
  for (const Json& row : report["decode"]) EXPECT_EQ(row["depth"], 0);
  Arguments deep = quick;
  deep.insert(deep.end(), {"--depths", "100"});
  const Outcome outcome = nestor(deep);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("do not fit the context of 64"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace nestor::testing
