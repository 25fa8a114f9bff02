#include "tiny_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kMostBytes = 64U << 20;

const char* kRecipe = R"({
  "name": "tiny", "threads": 2, "products": "f32",
  "model": {"config": {
    "vocab_size": 4096, "hidden_size": 24, "num_layers": 1, "max_position_embeddings": 128,
    "num_attention_heads": 2, "q_lora_rank": 16, "kv_lora_rank": 8,
    "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8,
    "ffn_hidden_size": 32, "expert_ffn_hidden_size": 16,
    "n_routed_experts": 4, "zero_expert_num": 2, "moe_topk": 2, "routed_scaling_factor": 2.0,
    "emb_neighbor_num": 3, "emb_split_num": 2, "ngram_vocab_size_ratio": 1.5}},
  "schedule": {"steps": 24, "warmup_steps": 3},
  "data": {"tokenizer": "tokenizer.json", "train": ["text.jsonl"], "window": 32, "rows": 4},
  "reporting": {"log_every": 2, "evaluate_every": 8, "evaluate_tokens": 500, "save_every": 4}
})";

// Sixty documents of sentences from a few words, by a linear congruence: enough to learn from, nothing to
// store.
std::string tiny_text() {
  const std::vector<std::string> words = {"the",   "small", "dog",  "saw",  "a",     "red",
                                          "house", "and",   "ran",  "home", "again", "bird",
                                          "under", "old",   "tree", "with", "her",   "green"};
  std::string text;
  std::uint32_t state = 12345;
  for (int document = 0; document < 60; ++document) {
    std::string story;
    for (int word = 0; word < 150; ++word) {
      state = state * 1664525U + 1013904223U;
      story += words[(state >> 16) % words.size()] + (word % 9 == 8 ? ". " : " ");
    }
    text += to_text(Json({{"text", fmt::format("Story {}: {}", document, story)}})) + "\n";
  }
  return text;
}

}  // namespace

TinyRun::TinyRun() {
  write("recipe.json", kRecipe);
  write("text.jsonl", tiny_text());
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    fs::copy_file(story_folder() / name, *this / name);
  }
}

Call TinyRun::call(const std::string& out, const std::vector<std::string>& more) const {
  Call call{.program = built_program("nestor-train"),
            .arguments = {(*this / "recipe.json").string(), "--out", (*this / out).string()}};
  call.arguments.insert(call.arguments.end(), more.begin(), more.end());
  return call;
}

Call TinyRun::call_with(const std::vector<std::string>& variables, const std::string& out,
                        const std::vector<std::string>& more) const {
  Call with = call(out, more);
  with.arguments.insert(with.arguments.begin(), with.program);
  with.arguments.insert(with.arguments.begin(), variables.begin(), variables.end());
  with.program = "/usr/bin/env";
  return with;
}

Call TinyRun::call_in_shell(const std::string& script, const std::string& out,
                            const std::vector<std::string>& more) const {
  Call shell = call(out, more);
  shell.arguments.insert(shell.arguments.begin(), {"-c", script, shell.program});
  shell.program = "/bin/sh";
  return shell;
}

Outcome TinyRun::train(const std::string& out, const std::vector<std::string>& more) const {
  return run_process(call(out, more));
}

Outcome TinyRun::trained(const std::string& out, const std::vector<std::string>& more) const {
  Outcome outcome = train(out, more);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome;
}

std::map<std::string, std::string> TinyRun::final_files(const std::string& out,
                                                        const std::string& name) const {
  std::map<std::string, std::string> files;
  const fs::path folder = *this / out / name;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[entry.path().filename().string()] = read_file(entry.path(), kMostBytes);
  }
  return files;
}

std::map<std::string, Json> TinyRun::metrics(const std::string& out) const {
  std::map<std::string, Json> found;
  std::istringstream lines(read_file(*this / out / "metrics.jsonl", kMostBytes));
  for (std::string line; std::getline(lines, line);) {
    Json json = parse_json(line, "metrics.jsonl");
    for (const char* key : {"tokens_per_second", "flops_per_second", "resident_bytes"}) json.erase(key);
    const char* kind = json.contains("loss") ? "train" : "heldout";
    const std::string key = fmt::format("{} {}", kind, json["step"].get<int>());
    EXPECT_FALSE(found.contains(key)) << key << " is there twice";
    found[key] = json;
  }
  return found;
}

const TinyRun& undisturbed() {
  static const TinyRun tiny;
  static const Outcome outcome = tiny.trained("whole");
  return tiny;
}

void expect_same_end(const TinyRun& tiny, const std::string& out) {
  static const auto expected = undisturbed().final_files("whole");
  EXPECT_TRUE(tiny.final_files(out) == expected);
  static const Json evaluation = undisturbed().metrics("whole").at("heldout 24");
  EXPECT_EQ(tiny.metrics(out).at("heldout 24"), evaluation);
}

}  // namespace nestor::testing
