// Whole runs: what comes out, what decides it, what is refused.
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "support/paths.h"
#include "tiny_run.h"

namespace nestor::testing {
namespace {

TEST(TrainingRun, EndsWithACheckpointThatNestorRuns) {
  const TinyRun tiny;
  const Outcome outcome = tiny.trained("run");
  for (const char* said :
       {"parameters", "memory", "\"steps\": 24", "held-out loss", "snapshot saved", "finished"}) {
    EXPECT_NE(outcome.err.find(said), std::string::npos) << said;
  }
  const Outcome text =
      run_process({.program = built_program("nestor"),
                   .arguments = {"run", (tiny / "run/final").string(), "-p", "The small dog", "-n", "5"}});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.err.find("decode: 5 tokens"), std::string::npos) << text.err;
}

std::string page_of(const TinyRun& tiny, const std::string& run) {
  return read_file(tiny / run / "report.html", 4 << 20);
}

TEST(TrainingRun, DrawsAPage) {
  const std::string page = page_of(undisturbed(), "whole");
  for (const char* part :
       {"Training run whole", "<figure id=\"loss\">", "<figure id=\"heldout\">", "<figure id=\"load\">",
        "<figure id=\"memory\">", "<figure id=\"norms-0\">", "0 attn 0", "at step 24."})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

// What was interrupted has a page of what it did, and going on makes it that of the whole run.
TEST(TrainingRun, DrawsThePageAnewWhenItGoesOn) {
  const TinyRun tiny;
  Call call = tiny.call("run");
  call.interrupt_on = "step 6/24";
  EXPECT_EQ(run_process(call).exit_code, 130);
  EXPECT_EQ(page_of(tiny, "run").find("at step 24."), std::string::npos);
  tiny.trained("run", {"--resume"});
  EXPECT_NE(page_of(tiny, "run").find("at step 24."), std::string::npos);
  expect_same_end(tiny, "run");
}

TEST(TrainingRun, TakesASpeedThatIsKnown) {
  const TinyRun tiny;
  const Outcome outcome = tiny.trained("run", {"--speed", "12.5"});
  EXPECT_NE(outcome.err.find("f32 12.5 GFLOP/s"), std::string::npos) << outcome.err;
  expect_same_end(tiny, "run");
  const Outcome refused = tiny.train("other", {"--speed", "12.5", "--set", "products=measured"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("products=f32 or products=bf16"), std::string::npos) << refused.err;
}

TEST(TrainingRun, LearnsSomething) {
  const TinyRun tiny;
  tiny.trained("run", {"--set", "schedule.steps=60"});
  const auto metrics = tiny.metrics("run");
  ASSERT_TRUE(metrics.contains("train 2") && metrics.contains("train 60") && metrics.contains("heldout 60"));
  // Uniform guessing among 4096 ids costs ln 4096 = 8.3 nats; 18 words in no order cost about 2.9 a word.
  EXPECT_GT(metrics.at("train 2")["loss"], 7.0);
  EXPECT_LT(metrics.at("train 60")["loss"], 6.0);
  EXPECT_LT(metrics.at("heldout 60")["heldout_nll_per_token"], 6.0);
}

TEST(TrainingRun, TheSameSeedGivesTheSameBits) {
  const TinyRun tiny;
  tiny.trained("same");
  tiny.trained("other", {"--set", "seed=2"});
  EXPECT_EQ(undisturbed().metrics("whole"), tiny.metrics("same"));
  const auto files = undisturbed().final_files("whole");
  EXPECT_TRUE(files.contains("model.safetensors"));
  EXPECT_TRUE(files == tiny.final_files("same"));
  EXPECT_FALSE(files.at("model.safetensors") == tiny.final_files("other").at("model.safetensors"));
}

TEST(TrainingRun, MappedTablesGiveTheSameBitsAsResidentOnes) {
  const TinyRun tiny;
  tiny.trained("mapped", {"--set", "tables.storage=mapped"});
  expect_same_end(tiny, "mapped");
  EXPECT_EQ(undisturbed().metrics("whole"), tiny.metrics("mapped"));
}

TEST(TrainingRun, ACorpusFolderGivesTheSameAsItsTexts) {
  const TinyRun tiny;
  tiny.trained("shards", {"--set", "data.train=" + (undisturbed() / "whole/corpus").string()});
  EXPECT_FALSE(std::filesystem::exists(tiny / "shards/corpus"));
  expect_same_end(tiny, "shards");
}

TEST(TrainingRun, EvaluatesOnATextOfItsOwn) {
  const TinyRun tiny;
  std::string text;
  for (int i = 0; i < 40; ++i) text += "the small dog saw a red house. ";
  tiny.trained("run", {"--set", "data.heldout=" + tiny.write("held.txt", text)});
  const Json line = tiny.metrics("run").at("heldout 24");
  EXPECT_GT(line["heldout_tokens"], 100);
  EXPECT_GT(line["heldout_bits_per_byte"], 0);
}

TEST(TrainingRun, StartsFromACheckpoint) {
  const TinyRun tiny;
  tiny.trained("second",
               {"--init", (undisturbed() / "whole/final").string(), "--set", "schedule.warmup_steps=0"});
  EXPECT_LT(tiny.metrics("second").at("train 2")["loss"],
            undisturbed().metrics("whole").at("train 2")["loss"]);
}

TEST(TrainingRun, TwinsAndVariantsRun) {
  const TinyRun tiny;
  for (const std::string item : {"model.vanilla=true", "model.amplification=layer_norm", "model.draft=false",
                                 "tables.kind=row_adagrad", "tables.numbers=bf16", "dense.kind=adamw"}) {
    tiny.trained(item, {"--set", item, "--set", "schedule.steps=4"});
  }
}

TEST(TrainingRun, WhatDoesNotFitInMemoryIsRefusedBeforeItIsTaken) {
  const TinyRun tiny;
  const Outcome outcome = tiny.train("run", {"--set", "data.rows=1000000"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("does not fit, data.rows="), std::string::npos) << outcome.err;
}

TEST(TrainingRun, ALossThatIsNoNumberStopsIt) {
  const TinyRun tiny;
  std::filesystem::copy(undisturbed() / "whole", tiny / "first", std::filesystem::copy_options::recursive);
  // All bits set are no number in every format of weights.
  const auto weights = tiny / "first/final/model.safetensors";
  std::string bytes = read_file(weights, 64U << 20);
  bytes.replace(bytes.size() - 4096, 4096, 4096, static_cast<char>(0xFF));
  write_file(weights, bytes);
  const Outcome outcome = tiny.train("run", {"--init", (tiny / "first/final").string()});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("finite"), std::string::npos) << outcome.err;
}

TEST(TrainingRun, AFullDiskIsAnError) {
  const TinyRun tiny;
  // The child may write files of 200 kB at most: the snapshot is larger.
  Call call = tiny.call("run");
  call.arguments.insert(call.arguments.begin(),
                        {"-c", "ulimit -f 200; trap '' XFSZ; exec \"$@\"", "sh", call.program});
  call.program = "/bin/sh";
  const Outcome outcome = run_process(call);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("nestor: error: "), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace nestor::testing
