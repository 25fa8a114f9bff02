// nestor run on the story model: text and ids against the goldens, stopping, what goes where.
#include <gtest/gtest.h>

#include "program.h"

namespace nestor::testing {
namespace {

const Arguments kGreedy = {"--temperature", "0"};

Arguments run(Arguments more) {
  more.insert(more.begin(), {"run", story()});
  more.insert(more.end(), kGreedy.begin(), kGreedy.end());
  return more;
}

Json story_cases() { return read_test_json("golden/story/expected/cases.json"); }

void expect_continuation(const Json& result, const Json& golden) {
  EXPECT_EQ(result.at("ids"), golden.at("greedy"));
  EXPECT_EQ(result.at("text"), golden.at("text"));
  EXPECT_EQ(result.at("prompt_tokens"), golden.at("ids").size());
}

TEST(Run, GreedyContinuationsEqualTheGoldens) {
  const Json cases = story_cases();
  ASSERT_EQ(cases.size(), 12u);
  for (const Json& golden : cases) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const std::string n = std::to_string(golden["greedy"].size());
    const auto ids = golden["ids"].get<std::vector<TokenId>>();
    expect_continuation(json_of(run({"--ids", spaced(ids), "-n", n, "--json"})), golden);
    const std::string prompt = golden["prompt"].get<std::string>();
    expect_continuation(json_of(run({"-p", prompt, "-n", n, "--json", "--special"})), golden);
  }
}

TEST(Run, StreamsTheTextAndANewlineToStandardOutputAndSpeedToStandardError) {
  const Json golden = story_cases()[0];
  const Outcome outcome =
      nestor(run({"-p", golden["prompt"], "-n", std::to_string(golden["greedy"].size())}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, golden["text"].get<std::string>() + "\n");
  EXPECT_TRUE(outcome.err.starts_with("prompt: 7 tokens, ")) << outcome.err;
  EXPECT_NE(outcome.err.find("tok/s; decode: "), std::string::npos) << outcome.err;
}

TEST(Run, PromptFromAFileAndFromStandardInputIsExact) {
  const std::string text = "Once upon a time\n\n there was ";
  const Scratch scratch;
  const std::string file = scratch.write("prompt.txt", text);
  const Json expected = json_of(run({"-p", text, "-n", "5", "--json"}));
  for (const Json& got : {json_of(run({"--prompt-file", file, "-n", "5", "--json"})),
                          json_of(run({"--prompt-file", "-", "-n", "5", "--json"}), text)}) {
    EXPECT_EQ(got.at("ids"), expected.at("ids"));
    EXPECT_EQ(got.at("prompt_tokens"), expected.at("prompt_tokens"));
  }
}

TEST(Run, JsonHasTheseFields) {
  const Json result = json_of(run({"--ids", "63 1883 601", "-n", "4", "--json"}));
  for (const char* key : {"ids", "text", "finish_reason", "prompt_tokens", "timings", "speculation"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
  EXPECT_FALSE(result.contains("logprobs"));
  EXPECT_EQ(result["ids"].size(), 4u);
  EXPECT_EQ(result["finish_reason"], "length");
  for (const char* key : {"prompt_seconds", "prompt_tok_s", "decode_seconds", "decode_tok_s"}) {
    EXPECT_GE(result["timings"][key].get<double>(), 0) << key;
  }
}

TEST(Run, DraftsChangeNoText) {
  const Arguments sampled = {"run",    story(), "-p",    "It was a dark night", "-n", "40",
                             "--seed", "3",     "--json"};
  const auto with_drafts = [&](const Arguments& more) {
    Arguments all = sampled;
    all.insert(all.end(), more.begin(), more.end());
    return json_of(all);
  };
  const Json plain = with_drafts({"--draft", "off"});
  EXPECT_EQ(plain["speculation"],
            (Json{{"drafter", "off"}, {"drafted", 0}, {"accepted", 0}, {"forwards", 0}}));
  for (const Arguments& more :
       {Arguments{"--draft", "mtp", "--draft-tokens", "3"}, Arguments{"--draft", "mtp"},
        Arguments{"--draft", "mtp", "--draft-tokens", "2", "--draft-embedding", "word"},
        Arguments{"--draft", "lookup,mtp", "--draft-tokens", "2"}, Arguments{"--draft", "auto"},
        Arguments{}}) {
    EXPECT_EQ(with_drafts(more)["ids"], plain["ids"]) << more.size();
  }
  const Json drafted = with_drafts({"--draft", "mtp", "--draft-tokens", "3"})["speculation"];
  EXPECT_EQ(drafted["drafter"], "mtp");
  // 40 tokens of which 2.46 come with a pass, on average.
  EXPECT_LT(drafted["forwards"], 30);
  EXPECT_GT(drafted["accepted"], 10);
  EXPECT_LE(drafted["drafted"], 3 * drafted["forwards"].get<int>());
}

TEST(Run, DraftersThatCannotBeHadAreNamed) {
  expect_error(run({"-p", "x", "--draft", "oracle"}), 2, "no drafter is called 'oracle'");
  const std::string plain = test_data("golden/n3k2");
  expect_error({"run", plain, "--ids", "1 2", "-n", "2", "--draft", "mtp"}, 1, "no draft block");
  EXPECT_EQ(json_of({"run", plain, "--ids", "1 2", "-n", "2", "--json"})["speculation"]["drafter"], "lookup");
}

TEST(Run, NothingToGenerate) {
  const Json result = json_of(run({"--ids", "63", "-n", "0", "--json"}));
  EXPECT_EQ(result["ids"], Json::array());
  EXPECT_EQ(result["text"], "");
  EXPECT_EQ(result["finish_reason"], "length");
}

TEST(Run, AStopIdEndsTheTextAndIsNotInIt) {
  const Json golden = story_cases()[0];
  const auto ids = golden["greedy"].get<std::vector<TokenId>>();
  const Json result =
      json_of(run({"-p", golden["prompt"], "-n", "40", "--json", "--stop-ids", std::to_string(ids[5])}));
  EXPECT_EQ(result["finish_reason"], "stop");
  EXPECT_EQ(result["ids"].get<std::vector<TokenId>>(), std::vector<TokenId>(ids.begin(), ids.begin() + 5));
}

// 2 is the model's own stop token; forced by a bias it comes first.
TEST(Run, TheModelsStopTokenEndsTheTextUnlessIgnored) {
  const Arguments forced = {"-p", "Once", "-n", "3", "--logit-bias", "2=100", "--json"};
  const Json stopped = json_of(run(forced));
  EXPECT_EQ(stopped["ids"], Json::array());
  EXPECT_EQ(stopped["finish_reason"], "stop");
  Arguments ignoring = forced;
  ignoring.push_back("--ignore-eos");
  const Json whole = json_of(run(ignoring));
  EXPECT_EQ(whole["ids"], Json({2, 2, 2}));
  EXPECT_EQ(whole["finish_reason"], "length");
}

// The text is " a great deal of trouble in the world, and ...".
TEST(Run, AStopTextIsCutOffWhereverItBegins) {
  const std::string prompt = story_cases()[0]["prompt"];
  for (const auto& [stop, text] :
       std::vector<std::pair<std::string, std::string>>{{"trouble", " a great deal of "},
                                                        {"rou", " a great deal of t"},
                                                        {" a", ""},
                                                        {"deal of", " a great "}}) {
    const Json result = json_of(run({"-p", prompt, "-n", "40", "--stop", stop, "--json"}));
    EXPECT_EQ(result["text"], text);
    EXPECT_EQ(result["finish_reason"], "stop");
    EXPECT_EQ(output_of(run({"-p", prompt, "-n", "40", "--stop", stop})), text + "\n");
  }
  const Json first = json_of(run({"-p", prompt, "-n", "40", "--stop", "world", "--stop", "great", "--json"}));
  EXPECT_EQ(first["text"], " a ");
  const Json never = json_of(run({"-p", prompt, "-n", "6", "--stop", "zebra", "--json"}));
  EXPECT_EQ(never["finish_reason"], "length");
}

TEST(Run, ControlTokensInThePromptAreTextUnlessSpecial) {
  const auto tokens = [](Arguments more) {
    more.insert(more.end(), {"-n", "0", "--json"});
    return json_of(run(more))["prompt_tokens"].get<int>();
  };
  EXPECT_EQ(tokens({"-p", "<longcat_user>", "--special"}), 1);
  EXPECT_GT(tokens({"-p", "<longcat_user>"}), 4);
}

TEST(Run, ReferenceKernelsAndOneThreadGiveTheSameTokens) {
  const Json golden = story_cases()[0];
  const std::string prompt = golden["prompt"];
  const Arguments more = {"-p", prompt, "-n", "12", "--json"};
  Arguments reference = run(more);
  reference.insert(reference.end(), {"--kernels", "reference", "--threads", "1"});
  EXPECT_EQ(json_of(reference)["ids"], json_of(run(more))["ids"]);
}

TEST(Run, CommonOptionsAndModelStandAnywhere) {
  const Json expected = json_of(run({"-p", "Once upon", "-n", "4", "--json"}))["ids"];
  const std::vector<Arguments> calls = {
      {"run", story(), "-p", "Once upon", "-n", "4", "--temperature", "0", "--json"},
      {"run", "-p", "Once upon", "-n", "4", "--temperature", "0", "--json", story()},
      {"run", "-p", "Once upon", story(), "-n", "4", "--temperature", "0", "--json"},
      {"--threads", "1", "run", story(), "-p", "Once upon", "-n", "4", "--temperature", "0", "--json"},
      {"--ctx", "64", "--kernels", "auto", "run", story(), "--dtype", "f32", "-p", "Once upon", "-n", "4",
       "--temperature=0", "--json"},
      {"run", "-p", "Once upon", "-n", "4", "--temperature", "0", "--json", "--threads", "1", "--ctx", "64",
       story()},
  };
  for (const Arguments& call : calls) EXPECT_EQ(json_of(call)["ids"], expected);
}

}  // namespace
}  // namespace nestor::testing
