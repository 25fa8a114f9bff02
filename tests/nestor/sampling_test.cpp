// Sampling options of nestor run: seeds, log-probabilities, biases and penalties reach the sampler.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "program.h"

namespace nestor::testing {
namespace {

Json run(Arguments more) {
  more.insert(more.begin(), {"run", "-p", "Once upon a time there was"});
  more.push_back("--json");
  return json_of(more);
}

TEST(Sampling, TheSeedDecides) {
  std::set<std::string> texts;
  for (const char* seed : {"1", "2", "3", "18446744073709551615"}) {
    const Arguments call = {"-n", "24", "--temperature", "1", "--seed", seed};
    const Json first = run(call);
    EXPECT_EQ(run(call)["ids"], first["ids"]);
    texts.insert(first["text"]);
  }
  EXPECT_EQ(texts.size(), 4u);
}

TEST(Sampling, TheSeedDecidesWhateverTheNumberOfThreadsAndTokens) {
  const Json whole = run({"-n", "24", "--temperature", "1", "--seed", "5", "--threads", "1"})["ids"];
  const Json part = run({"-n", "10", "--temperature", "1", "--seed", "5", "--threads", "2"})["ids"];
  EXPECT_EQ(part, Json(std::vector<TokenId>(whole.begin(), whole.begin() + 10)));
}

TEST(Sampling, TopKOneIsGreedy) {
  const Json greedy = run({"-n", "16", "--temperature", "0"})["ids"];
  EXPECT_EQ(run({"-n", "16", "--temperature", "1.5", "--top-k", "1", "--seed", "9"})["ids"], greedy);
  EXPECT_EQ(run({"-n", "16", "--temperature", "1.5", "--top-p", "1e-6", "--top-k", "0"})["ids"], greedy);
  EXPECT_EQ(run({"-n", "16", "--temperature", "1.5", "--min-p", "1", "--top-p", "1"})["ids"], greedy);
}

TEST(Sampling, ABiasForcesAndForbids) {
  EXPECT_EQ(run({"-n", "2", "--temperature", "0", "--logit-bias", "601=100"})["ids"], Json({601, 601}));
  const TokenId best = run({"-n", "1", "--temperature", "0"})["ids"][0];
  EXPECT_NE(run({"-n", "1", "--temperature", "0", "--logit-bias", std::to_string(best) + "=-100"})["ids"][0],
            best);
}

// With a large penalty no token comes twice, as the goldens without one do (" a great ... a very ...").
TEST(Sampling, PenaltiesChangeTheText) {
  const Json plain = run({"-n", "32", "--temperature", "0"})["ids"];
  for (const char* penalty : {"--presence-penalty", "--frequency-penalty", "--repetition-penalty"}) {
    EXPECT_NE(run({"-n", "32", "--temperature", "0", penalty, "2"})["ids"], plain) << penalty;
  }
}

TEST(Sampling, LogProbabilities) {
  const Json result = run({"-n", "3", "--temperature", "0", "--logprobs", "5"});
  ASSERT_EQ(result["logprobs"].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const Json& place = result["logprobs"][i];
    EXPECT_EQ(place["id"], result["ids"][i]);
    ASSERT_EQ(place["top"].size(), 5u);
    EXPECT_EQ(place["top"][0]["id"], place["id"]);  // greedy takes the best
    EXPECT_EQ(place["top"][0]["logprob"], place["logprob"]);
    double sum = 0;
    for (std::size_t k = 0; k < 5; ++k) {
      sum += std::exp(place["top"][k]["logprob"].get<double>());
      if (k > 0) {
        EXPECT_LE(place["top"][k]["logprob"].get<double>(), place["top"][k - 1]["logprob"].get<double>());
      }
    }
    EXPECT_LT(sum, 1);
  }
  EXPECT_EQ(run({"-n", "1", "--temperature", "0", "--logprobs", "0"})["logprobs"][0]["top"], Json::array());
}

}  // namespace
}  // namespace nestor::testing
