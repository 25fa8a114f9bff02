// Wrong command lines and inputs: exit code 2 for wrong usage, 1 for what is wrong with the input, and one
// clear line.
#include <gtest/gtest.h>

#include "program.h"

namespace nestor::testing {
namespace {

struct Wrong {
  Arguments arguments;
  int exit_code;
  std::string part;  // of the message
};

void expect_errors(const std::vector<Wrong>& calls) {
  for (const Wrong& wrong : calls) expect_error(wrong.arguments, wrong.exit_code, wrong.part);
}

TEST(Usage, Commands) {
  expect_errors({{{}, 2, "no command is given; see nestor --help"},
                 {{"fly"}, 2, "there is no command \"fly\""},
                 {{"--threads", "2"}, 2, "no command is given"},
                 {{"run", "--bogus", "-p", "x"}, 2, "there is no option \"--bogus\"; see nestor run --help"},
                 {{"run", "a", "b", "-p", "x"}, 2, "the argument \"b\" is one too many"},
                 {{"chat", "--json"}, 2, "there is no option \"--json\""},
                 {{"template", "-p", "x", "--input", "-"}, 2, "there is no option \"-p\""}});
}

TEST(Usage, MissingAndDoubledOptions) {
  expect_errors({{{"run"}, 2, "expected one of --prompt, --prompt-file, --ids, found none"},
                 {{"run", "-p", "x", "--ids", "1"}, 2, "found --prompt and --ids"},
                 {{"run", "-p", "x", "-p", "y"}, 2, "--prompt is given more than once"},
                 {{"run", "-p"}, 2, "--prompt needs a value"},
                 {{"run", "-p", "x", "--logprobs", "2"}, 2, "--logprobs requires --json"},
                 {{"tokenize"}, 2, "expected one of --text, --file, found none"},
                 {{"tokenize", "--text", "a", "--file", "b"}, 2, "found --text and --file"},
                 {{"detokenize"}, 2, "--ids is required; see nestor detokenize --help"},
                 {{"logits", "--ids", "1"}, 2, "--out is required"},
                 {{"logits", "--out", "x.npy"}, 2, "--ids is required"},
                 {{"ngram-ids"}, 2, "--ids is required"},
                 {{"template"}, 2, "--input is required"},
                 {{"new"}, 2, "is required"},
                 {{"new", "--preset", "tiny"}, 2, "DST is required"},
                 {{"completion"}, 2, "SHELL is required"}});
}

TEST(Usage, CommonOptions) {
  expect_errors({{{"run", "-p", "x", "--kernels", "magic"}, 2, "no kernel set is called \"magic\""},
                 {{"run", "-p", "x", "--dtype", "f16"}, 2, "f16"},
                 {{"run", "-p", "x", "--ctx", "0"}, 2, "--ctx"},
                 {{"run", "-p", "x", "--ctx", "x"}, 2, "--ctx"},
                 {{"run", "-p", "x", "--ctx", "2049"}, 2, "the model takes 1 to 2048"},
                 {{"run", "-p", "x", "--threads", "0"}, 2, "--threads"},
                 {{"run", "-p", "x", "--threads", "2000"}, 2, "--threads"}});
}

TEST(Usage, NumbersOutOfRange) {
  expect_errors({{{"run", "-p", "x", "-n", "-3"}, 2, "-3 not in range 0 to"},
                 {{"run", "-p", "x", "-n", "many"}, 2, "many"},
                 {{"run", "-p", "x", "--temperature", "warm"}, 2, "cannot read --temperature = warm"},
                 {{"run", "-p", "x", "--temperature", "-1"}, 2, "temperature must be"},
                 {{"run", "-p", "x", "--temperature", "nan"}, 2, "temperature must be"},
                 {{"run", "-p", "x", "--top-p", "2"}, 2, "top_p"},
                 {{"run", "-p", "x", "--top-p", "0"}, 2, "top_p"},
                 {{"run", "-p", "x", "--top-k", "-5"}, 2, "top_k"},
                 {{"run", "-p", "x", "--min-p", "1.5"}, 2, "min_p"},
                 {{"run", "-p", "x", "--repetition-penalty", "0"}, 2, "repetition_penalty"},
                 {{"run", "-p", "x", "--presence-penalty", "3"}, 2, "presence_penalty"},
                 {{"run", "-p", "x", "--frequency-penalty", "-3"}, 2, "frequency_penalty"},
                 {{"run", "-p", "x", "--seed", "-1"}, 2, "expected a whole number"},
                 {{"run", "-p", "x", "--seed", "99999999999999999999999"}, 2, "expected a whole number"},
                 {{"run", "-p", "x", "--logit-bias", "3"}, 2, "expected ID=X"},
                 {{"run", "-p", "x", "--logit-bias", "4096=1"}, 2, "4096"},
                 {{"run", "-p", "x", "--logprobs", "-1"}, 2, "--logprobs"},
                 {{"run", "-p", "x", "--stop", ""}, 2, "stop string is empty"},
                 {{"run", "-p", "x", "--stop-ids", "4096"}, 2, "stop token 4096"},
                 {{"run", "-p", "x", "--stop-ids", "a"}, 2, "--stop-ids"},
                 {{"new", "--preset", "tiny", "--seed", "-1", "x"}, 2, "expected a whole number"},
                 {{"logits", "--ids", "1", "--out", "x.npy", "--chunk", "0"}, 2, "--chunk"},
                 {{"chat", "-n", "0"}, 2, "--max-tokens"}});
}

TEST(Usage, Ids) {
  for (const std::string command : {"run", "detokenize", "ngram-ids"}) {
    expect_errors({{{command, "--ids", "1 x"}, 2, "expected token ids like \"1 2 3\", found \"x\""},
                   {{command, "--ids", "1x"}, 2, "found \"1x\""},
                   {{command, "--ids", "-4"}, 2, "found \"-4\""},
                   {{command, "--ids", "1.5"}, 2, "found \"1.5\""},
                   {{command, "--ids", "99999999999"}, 2, "found \"99999999999\""}});
  }
  const Scratch scratch;
  const std::string out = (scratch / "x.npy").string();
  expect_errors({{{"logits", "--ids", "1 x", "--out", out}, 2, "found \"x\""},
                 {{"logits", "--ids", "", "--out", out}, 2, "at least one token"},
                 {{"logits", "--ids", "4096", "--out", out}, 1, "4096"},
                 {{"run", "--ids", "4096"}, 1, "4096"},
                 {{"run", "--ids", ""}, 2, "the prompt is empty"},
                 {{"ngram-ids", "--ids", "4096"}, 1, "4096"}});
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(Usage, MissingFiles) {
  expect_errors(
      {{{"run", "no/such", "-p", "x"}, 1, "no/such: no such folder; if it is a repository of a hub"},
       {{"run", story() + "/config.json", "-p", "x"}, 1, "expected a checkpoint folder, found a file"},
       {{"run", "--prompt-file", "no/such"}, 1, "cannot open no/such"},
       {{"chat", "no/such"}, 1, "no/such"},
       {{"logits", "no/such", "--ids", "1", "--out", "x.npy"}, 1, "no/such"},
       {{"logits", "--ids", "1", "--out", "no/such/x.npy"}, 1, "no/such/x.npy"},
       {{"ngram-ids", "no/such", "--ids", "1"}, 1, "no/such"},
       {{"tokenize", "no/such", "--text", "x"}, 1, "no/such"},
       {{"tokenize", "--file", "no/such"}, 1, "no/such"},
       {{"detokenize", "no/such", "--ids", "1"}, 1, "no/such"},
       {{"template", "no/such", "--input", "-"}, 1, "no/such"},
       {{"template", "--input", "no/such"}, 1, "no/such"},
       {{"inspect", "no/such"}, 1, "no/such"},
       {{"new", "--preset", "no/such.json", "x"}, 1, "no/such.json"},
       {{"new", "--preset", "huge", "x"}, 2, "no preset is called \"huge\""},
       {{"completion", "tcsh"}, 2, "expected bash, zsh or fish"}});
}

TEST(Usage, PromptLongerThanTheContext) {
  expect_error({"run", "--ids", "63 1883 601", "--ctx", "2"}, 1,
               "the prompt has 3 tokens, but the context limit is 2");
  EXPECT_EQ(json_of({"run", "--ids", "63 1883 601", "--ctx", "4", "-n", "9", "--ignore-eos",
                     "--json"})["finish_reason"],
            "length");
}

TEST(Usage, BadText) {
  const Scratch scratch;
  const std::string file = scratch.write("bad.txt", "ab\xff");
  expect_error({"tokenize", "--file", file}, 1, "UTF-8");
  expect_error({"run", "--prompt-file", file}, 1, "UTF-8");
  expect_error({"run", "-p", ""}, 2, "the prompt is empty");
}

}  // namespace
}  // namespace nestor::testing
