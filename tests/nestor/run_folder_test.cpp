// Model folders of other kinds: edited generation_config.json, symbolic links, no tokenizer, a start token.
#include <gtest/gtest.h>

#include "linked_model.h"
#include "program.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

const Arguments kPrompt = {"-p", "Once upon a time there was", "--json"};

Json run(const std::string& folder, const Arguments& more) {
  Arguments all = {"run", folder};
  all.insert(all.end(), kPrompt.begin(), kPrompt.end());
  all.insert(all.end(), more.begin(), more.end());
  return json_of(all);
}

TEST(RunFolder, SymbolicLinksAreFiles) {
  const LinkedModel model;
  EXPECT_EQ(run(model.folder(), {"-n", "8"})["ids"], run(story(), {"-n", "8"})["ids"]);
  EXPECT_TRUE(json_of({"inspect", model.folder(), "--json"}).contains("tensors"));
}

TEST(RunFolder, AFileOfLinksNeedNotEndInSafetensors) {
  const LinkedModel model;  // the cache names the files that links lead to by their hash
  const Scratch blobs;
  fs::copy_file(story() + "/model.safetensors", blobs / "0a1b2c");
  model.remove("model.safetensors");
  fs::create_symlink(blobs / "0a1b2c", fs::path(model.folder()) / "model.safetensors");
  EXPECT_EQ(run(model.folder(), {"-n", "4"})["ids"], run(story(), {"-n", "4"})["ids"]);
}

TEST(RunFolder, SamplingDefaultsComeFromGenerationConfig) {
  const LinkedModel model;
  const Json greedy = run(story(), {"-n", "12", "--temperature", "0"})["ids"];
  model.remove("generation_config.json");
  EXPECT_EQ(run(model.folder(), {"-n", "12"})["ids"], greedy);  // without it greedy
  model.replace("generation_config.json",
                R"({"do_sample": false, "temperature": 0.9, "max_new_tokens": 12})");
  EXPECT_EQ(run(model.folder(), {})["ids"], greedy);
  model.replace("generation_config.json",
                R"({"do_sample": true, "temperature": 0.8, "top_k": 40, "top_p": 0.95})");
  const Json sampled = run(model.folder(), {"-n", "12", "--seed", "3"})["ids"];
  EXPECT_NE(sampled, greedy);
  EXPECT_EQ(sampled, run(story(), {"-n", "12", "--seed", "3", "--temperature", "0.8", "--top-k", "40",
                                   "--top-p", "0.95"})["ids"]);
}

// The stop tokens of generation_config.json end the text, those of config.json the segments of the n-gram
// hash: with other stop tokens the same ids come, and the text goes on after token 2.
TEST(RunFolder, StopTokensComeFromGenerationConfigAndTheHashFromConfig) {
  const LinkedModel model;
  const Json greedy = run(story(), {"-n", "12", "--temperature", "0"})["ids"];
  model.replace("generation_config.json", Json({{"eos_token_id", {greedy[4]}}}).dump());
  const Json stopped = run(model.folder(), {"-n", "12"});
  EXPECT_EQ(stopped["finish_reason"], "stop");
  EXPECT_EQ(stopped["ids"], Json(std::vector<TokenId>(greedy.begin(), greedy.begin() + 4)));
  const Json past = run(model.folder(), {"-n", "3", "--logit-bias", "2=100"});
  EXPECT_EQ(past["ids"], Json({2, 2, 2}));
  // A prompt with 2 inside continues as in the story model, whose hash begins a new segment there.
  const Arguments inside = {"--ids",  "63 1883 2 601 275", "-n", "6", "--temperature", "0",
                            "--json", "--ignore-eos"};
  Arguments here = {"run", model.folder()};
  Arguments there = {"run", story()};
  here.insert(here.end(), inside.begin(), inside.end());
  there.insert(there.end(), inside.begin(), inside.end());
  EXPECT_EQ(json_of(here)["ids"], json_of(there)["ids"]);
  EXPECT_EQ(json_of({"ngram-ids", model.folder(), "--ids", "63 2 601"}),
            json_of({"ngram-ids", story(), "--ids", "63 2 601"}));
}

TEST(RunFolder, AnUnknownKeyIsNamedAndCanBeAccepted) {
  const LinkedModel model;
  Json config = parse_json(bytes_of(story() + "/config.json"), "config.json");
  config["surprise"] = 1;
  model.replace("config.json", config.dump());
  expect_error({"run", model.folder(), "-p", "x"}, 1, "surprise");
  EXPECT_EQ(run(model.folder(), {"-n", "2", "--accept-key", "surprise"})["ids"],
            run(story(), {"-n", "2"})["ids"]);
  model.replace("generation_config.json", R"({"eos_token_id": 2, "novelty": 1})");
  expect_error({"run", model.folder(), "-p", "x", "--accept-key", "surprise"}, 1, "novelty");
  run(model.folder(), {"-n", "2", "--accept-key", "surprise", "--accept-key", "novelty"});
}

TEST(RunFolder, AcceptedKeysReachNestedObjectsToo) {
  const LinkedModel model;
  Json config = parse_json(bytes_of(story() + "/config.json"), "config.json");
  config.erase("rope_theta");
  config["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 10000.0}, {"surprise", 1}};
  model.replace("config.json", config.dump());
  expect_error({"run", model.folder(), "-p", "x"}, 1, "surprise");
  EXPECT_EQ(run(model.folder(), {"-n", "2", "--accept-key", "surprise"})["ids"],
            run(story(), {"-n", "2"})["ids"]);
}

TEST(RunFolder, GenerationConfigMayHoldWhatChangesNothing) {
  const LinkedModel model;
  model.replace(
      "generation_config.json",
      R"({"length_penalty": 1.0, "early_stopping": false, "num_beams": 1, "assistant_early_exit": null})");
  run(model.folder(), {"-n", "2"});
  model.replace("generation_config.json", R"({"num_beams": 4})");
  expect_error({"run", model.folder(), "-p", "x"}, 1, "num_beams");
  model.replace("generation_config.json", R"({"do_sample": true, "top_p": 0})");
  expect_error({"run", model.folder(), "-p", "x"}, 1, "generation_config.json: top_p");
  const Json greedy = run(story(), {"-n", "4", "--temperature", "0"})["ids"];
  model.replace("generation_config.json", Json({{"eos_token_id", greedy[1]}, {"min_new_tokens", 3}}).dump());
  EXPECT_GE(run(model.folder(), {"-n", "4"})["ids"].size(), 3U);
}

TEST(RunFolder, AStartTokenOfThePostProcessorIsAdded) {
  const LinkedModel model;
  model.replace("tokenizer.json", bytes_of(test_data("tokenizer/longcat/tokenizer.json")));
  const Json result = json_of({"run", model.folder(), "-p", "a", "-n", "0", "--json"});
  EXPECT_EQ(result["prompt_tokens"], 2);
}

TEST(RunFolder, WithoutATokenizerIdsGoInAndOut) {
  const LinkedModel model;
  model.remove("tokenizer.json");
  expect_error({"run", model.folder(), "-p", "x"}, 1,
               "no tokenizer.json in this folder; give the prompt as --ids");
  const Arguments call = {"run", model.folder(), "--ids", "63 1883 601", "-n", "3", "--temperature", "0"};
  Arguments json = call;
  json.push_back("--json");
  const Json result = json_of(json);
  EXPECT_TRUE(result["text"].is_null());
  EXPECT_EQ(output_of(call), spaced(result["ids"].get<std::vector<TokenId>>()) + "\n");
}

TEST(RunFolder, EveryGoldenCheckpointContinuesAsTheOracle) {
  for (const std::string name : {"lite_small", "n3k2", "plain_flash", "fp8", "fp32_names", "eos_list"}) {
    const Json cases = read_test_json("golden/" + name + "/expected/cases.json");
    for (const Json& golden : {cases[3], cases[6], cases[13]}) {
      SCOPED_TRACE(name + " " + golden["name"].get<std::string>());
      const Json& greedy = golden["greedy"];
      const Json result = json_of({"run", test_data("golden/" + name), "--ids",
                                   spaced(greedy["prompt"].get<std::vector<TokenId>>()), "-n",
                                   std::to_string(greedy["n"].get<int>()), "--temperature", "0", "--json"});
      EXPECT_EQ(result["ids"], greedy["tokens"]);
    }
  }
}

}  // namespace
}  // namespace nestor::testing
