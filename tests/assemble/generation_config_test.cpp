// generation_config.json, key by key: absent, null, of a wrong type, out of range, unknown, beyond us.
#include "assemble/generation_config.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::assemble {
namespace {

GenerationDefaults read_text(const std::string& text, const config::AcceptedKeys& accepted = {}) {
  const testing::ScratchFolder folder;
  folder.write("generation_config.json", text);
  config::ModelConfig config;
  config.vocab_size = 100;
  config.eos_token_ids = {2, 5};
  return read_generation_defaults(folder.path(), config, accepted);
}

GenerationDefaults read(const Json& json) { return read_text(to_text(json)); }

void expect_greedy(const GenerationDefaults& defaults) {
  EXPECT_EQ(defaults.sampling.temperature, 0);
  EXPECT_EQ(defaults.sampling.top_k, 0);
  EXPECT_EQ(defaults.sampling.top_p, 1);
  EXPECT_EQ(defaults.sampling.min_p, 0);
  EXPECT_EQ(defaults.sampling.repetition_penalty, 1);
  EXPECT_EQ(defaults.max_new_tokens, std::nullopt);
  EXPECT_EQ(defaults.min_new_tokens, 0);
  EXPECT_EQ(defaults.stop_ids, (std::vector<TokenId>{2, 5}));
}

TEST(GenerationConfig, WithoutTheFileOrWithNothingInItAnswersAreGreedy) {
  const testing::ScratchFolder empty;
  config::ModelConfig config;
  config.eos_token_ids = {2, 5};
  expect_greedy(read_generation_defaults(empty.path(), config, {}));
  expect_greedy(read_text("{}"));
}

TEST(GenerationConfig, NullsCountAsAbsent) {
  Json nulls = Json::object();
  for (const char* key : {"do_sample", "temperature", "top_k", "top_p", "min_p", "repetition_penalty",
                          "max_new_tokens", "min_new_tokens", "eos_token_id", "num_beams", "typical_p",
                          "stop_strings", "bad_words_ids", "max_length"}) {
    nulls[key] = nullptr;
  }
  expect_greedy(read(nulls));
  nulls["do_sample"] = true;
  EXPECT_EQ(read(nulls).sampling.temperature, 1);
}

TEST(GenerationConfig, SamplingIsWhatItSaysIfItSamples) {
  Json json = {
      {"do_sample", true}, {"temperature", 0.7},  {"top_k", 40},         {"top_p", 0.9},
      {"min_p", 0.05},     {"max_new_tokens", 7}, {"min_new_tokens", 3}, {"repetition_penalty", 1.1}};
  const GenerationDefaults sampled = read(json);
  EXPECT_EQ(sampled.sampling.temperature, 0.7);
  EXPECT_EQ(sampled.sampling.top_k, 40);
  EXPECT_EQ(sampled.sampling.top_p, 0.9);
  EXPECT_EQ(sampled.sampling.min_p, 0.05);
  EXPECT_EQ(sampled.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(sampled.max_new_tokens, 7);
  EXPECT_EQ(sampled.min_new_tokens, 3);
  json["do_sample"] = false;
  const GenerationDefaults greedy = read(json);
  EXPECT_EQ(greedy.sampling.temperature, 0);
  EXPECT_EQ(greedy.sampling.top_k, 0);
  EXPECT_EQ(greedy.sampling.repetition_penalty, 1.1) << "penalties change greedy answers, too";
}

TEST(GenerationConfig, StopIdsAreItsOwnOrThoseOfTheModel) {
  EXPECT_EQ(read({{"eos_token_id", 7}}).stop_ids, (std::vector<TokenId>{7}));
  EXPECT_EQ(read({{"eos_token_id", {7, 99, 0}}}).stop_ids, (std::vector<TokenId>{7, 99, 0}));
  EXPECT_EQ(read({{"eos_token_id", Json::array()}}).stop_ids, (std::vector<TokenId>{2, 5}));
}

TEST(GenerationConfig, ValuesOutOfRangeAreRefusedByName) {
  const std::vector<std::pair<const char*, std::vector<Json>>> wrong = {
      {"temperature", {-0.1, 1001}},   {"top_k", {-2, 2147483648, UINT64_MAX}},
      {"top_p", {0, 1.01, -1}},        {"min_p", {-0.1, 1.5}},
      {"repetition_penalty", {0, -1}}, {"max_new_tokens", {0, -1, 1e20}},
      {"min_new_tokens", {-1, 1e15}},  {"eos_token_id", {-1, 100, Json::array({3, 100})}}};
  for (const auto& one : wrong) {
    const std::string key = one.first;
    for (const Json& value : one.second) {
      EXPECT_REFUSED(read({{key, value}}), ErrorKind::bad_input, key + " must be between");
    }
  }
}

TEST(GenerationConfig, ValuesOfAnotherTypeAreRefusedByName) {
  for (const char* key : {"temperature", "top_k", "top_p", "min_p", "repetition_penalty", "max_new_tokens",
                          "min_new_tokens", "do_sample"}) {
    for (const Json& value : {Json("1"), Json::array({1}), Json::object()}) {
      EXPECT_REFUSED(read({{key, value}}), ErrorKind::bad_input, std::string(key) + " must be ");
    }
  }
  EXPECT_REFUSED(read({{"do_sample", 1}}), ErrorKind::bad_input, "do_sample must be true or false");
  EXPECT_REFUSED(read({{"top_k", 1.5}}), ErrorKind::bad_input, "top_k must be a whole number");
  EXPECT_REFUSED(read({{"eos_token_id", "2"}}), ErrorKind::bad_input, "eos_token_id must be a whole number");
  EXPECT_REFUSED(read({{"eos_token_id", {"2"}}}), ErrorKind::bad_input,
                 "eos_token_id must be a whole number");
}

TEST(GenerationConfig, OtherMethodsAreRefusedAndTheirNeutralValuesPass) {
  const Json neutral = {{"num_beams", 1},          {"typical_p", 1.0},    {"no_repeat_ngram_size", 0},
                        {"early_stopping", false}, {"length_penalty", 1}, {"min_length", 0},
                        {"epsilon_cutoff", 0},     {"eta_cutoff", 0.0}};
  expect_greedy(read(neutral));
  const Json other = {{"num_beams", 4},
                      {"num_return_sequences", 2},
                      {"typical_p", 0.9},
                      {"no_repeat_ngram_size", 3},
                      {"penalty_alpha", 0.6},
                      {"early_stopping", true},
                      {"encoder_repetition_penalty", 2},
                      {"epsilon_cutoff", 0.1},
                      {"min_length", 5},
                      {"bad_words_ids", {{1}}},
                      {"forced_eos_token_id", 2},
                      {"suppress_tokens", {1}},
                      {"sequence_bias", Json::array()},
                      {"stop_strings", {"x"}},
                      {"guidance_scale", 1.5}};
  for (const auto& one : other.items()) {
    EXPECT_REFUSED(read({{one.key(), one.value()}}), ErrorKind::unsupported, one.key() + " = ");
  }
}

TEST(GenerationConfig, UnknownKeysAreRefusedUnlessAccepted) {
  const std::string text =
      R"({"novelty": 1, "more": [2], "none": null, "pad_token_id": 3, "transformers_version": "5"})";
  EXPECT_REFUSED(read_text(text), ErrorKind::unsupported, "unknown keys \"novelty\", \"more\"");
  EXPECT_REFUSED(read_text(text, {"novelty"}), ErrorKind::unsupported, "unknown key \"more\"");
  expect_greedy(read_text(text, {"novelty", "more"}));
}

TEST(GenerationConfig, FilesThatAreNoObjectAreRefused) {
  for (const char* text : {"[]", "3", "null", "\"x\""}) {
    EXPECT_REFUSED(read_text(text), ErrorKind::bad_input, "generation_config.json: expected an object");
  }
  EXPECT_REFUSED(read_text("{"), ErrorKind::bad_input, "generation_config.json");
  EXPECT_REFUSED(read_text(std::string(2U << 20, ' ')), ErrorKind::limit, "generation_config.json");
}

}  // namespace
}  // namespace nestor::assemble
