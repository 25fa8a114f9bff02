// --help, --version, completion, and that the pages of docs/ list the options that --help lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "program.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

const std::vector<std::string> kCommands = {"run",      "chat",       "serve",    "logits", "ngram-ids",
                                            "tokenize", "detokenize", "template", "eval",   "bench",
                                            "inspect",  "new",        "convert",  "data",   "tokenizer",
                                            "train",    "plan",       "report",   "study",  "completion"};

// Commands inside a group; the page of "a b" is a-b.md.
const std::vector<Arguments> kInnerCommands = {
    {"tokenizer", "train"}, {"plan", "budget"}, {"plan", "fit"}, {"plan", "collisions"}};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

// The left column of everything that --help lists but for --help itself, up to the examples.
std::set<std::string> listed_by(const std::string& help) {
  static const std::regex row(R"(  (\S.*?)(\s{2,}.*)?)");
  std::set<std::string> found;
  for (const std::string& line : lines(help)) {
    if (line.starts_with("Example")) break;
    std::smatch match;
    if (std::regex_match(line, match, row) && match[1] != "-h, --help") found.insert(match[1]);
  }
  return found;
}

// The first column of the tables of a page whose rows are code: | `-n, --max-tokens N` | ... |
std::set<std::string> tabled_in(const std::string& page) {
  static const std::regex row(R"(\| `((?:[^`])+)` \|.*)");
  std::set<std::string> found;
  for (const std::string& line : lines(page)) {
    std::smatch match;
    if (std::regex_match(line, match, row))
      found.insert(std::regex_replace(match[1].str(), std::regex(R"(\\\|)"), "|"));
  }
  return found;
}

TEST(Help, OfEveryCommandHasAnExampleAndFitsTheScreen) {
  for (const std::string& command : kCommands) {
    const std::string help = output_of({command, "--help"});
    const std::size_t examples = help.find("\nExample");
    ASSERT_NE(examples, std::string::npos) << help;
    EXPECT_NE(help.find("nestor " + command, examples), std::string::npos) << help;
    EXPECT_NE(help.find("Usage: nestor " + command), std::string::npos) << help;
    EXPECT_EQ(output_of({command, "-h"}), help);
    for (const std::string& line : lines(help)) EXPECT_LE(line.size(), 120u) << line;
  }
}

TEST(Help, OfAnInnerCommandNamesItsGroup) {
  for (Arguments command : kInnerCommands) {
    const std::string name = command[0] + " " + command[1];
    EXPECT_TRUE(listed_by(output_of({command[0], "--help"})).contains(command[1]));
    command.emplace_back("--help");
    const std::string help = output_of(command);
    EXPECT_NE(help.find("Usage: nestor " + name), std::string::npos) << help;
    EXPECT_NE(help.find("nestor " + name, help.find("\nExample")), std::string::npos) << help;
    for (const std::string& line : lines(help)) EXPECT_LE(line.size(), 120u) << line;
  }
}

// Of the options of the program, every command lists those that it uses, and refuses the others.
TEST(Help, OfACommandListsTheCommonOptionsThatItTakes) {
  const std::vector<Arguments> common = {{"--threads", "2"},    {"--ctx", "9"},    {"--kernels", "auto"},
                                         {"--streams", "auto"}, {"--dtype", "q8"}, {"--larger-than-memory"},
                                         {"--accept-key", "x"}};
  // With arguments that are wrong enough for nothing to be done.
  const std::map<std::string, Arguments> calls = {
      {"run", {"/nowhere", "-p", "x"}},
      {"chat", {"/nowhere"}},
      {"serve", {"/nowhere"}},
      {"logits", {"/nowhere", "--ids", "1", "--out", "/nowhere/x"}},
      {"ngram-ids", {"/nowhere", "--ids", "1"}},
      {"tokenize", {"/nowhere", "--text", "x"}},
      {"detokenize", {"/nowhere", "--ids", "1"}},
      {"template", {"/nowhere", "--input", "/nowhere"}},
      {"eval", {"/nowhere", "--text", "x"}},
      {"bench", {"/nowhere"}},
      {"inspect", {"/nowhere"}},
      {"new", {"--preset", "/nowhere", "/nowhere/x"}},
      {"convert", {"/nowhere", "/nowhere/x"}},
      {"data", {"--tokenizer", "/nowhere", "--out", "/nowhere/x", "/nowhere"}},
      {"train", {"/nowhere.json", "--out", "/nowhere/x"}},
      {"report", {"/nowhere"}},
      {"study", {"/nowhere.json", "--plan"}}};
  for (const auto& [command, arguments] : calls) {
    const std::string help = output_of({command, "--help"});
    const std::size_t at = help.find("Common options");
    const std::string listed = at == std::string::npos ? "" : help.substr(at, help.find('\n', at) - at);
    for (const Arguments& option : common) {
      Arguments call = {command};
      call.insert(call.end(), arguments.begin(), arguments.end());
      call.insert(call.end(), option.begin(), option.end());
      const bool refused =
          nestor(call).err.find("does not use " + option[0] + "; leave it out") != std::string::npos;
      EXPECT_EQ(refused, listed.find(option[0]) == std::string::npos) << command << " " << option[0];
    }
  }
}

TEST(Help, OfTheProgramListsEveryCommand) {
  const std::set<std::string> listed = listed_by(output_of({"--help"}));
  for (const std::string& command : kCommands) EXPECT_TRUE(listed.contains(command)) << command;
  EXPECT_TRUE(listed.contains("--threads N"));
}

TEST(Help, Version) { EXPECT_EQ(output_of({"--version"}), "nestor " + project_version() + "\n"); }

TEST(Docs, EveryPageListsTheOptionsOfItsCommand) {
  for (const std::string& command : kCommands) {
    const std::string page = bytes_of(docs_folder() / (command + ".md"));
    EXPECT_EQ(tabled_in(page), listed_by(output_of({command, "--help"}))) << command;
  }
}

TEST(Docs, EveryPageOfAnInnerCommandListsItsOptions) {
  for (const Arguments& command : kInnerCommands) {
    const std::string page = bytes_of(docs_folder() / (command[0] + "-" + command[1] + ".md"));
    EXPECT_EQ(tabled_in(page), listed_by(output_of({command[0], command[1], "--help"}))) << command[1];
  }
}

TEST(Docs, TheIndexListsCommandsAndCommonOptions) {
  EXPECT_EQ(tabled_in(bytes_of(docs_folder() / "README.md")), listed_by(output_of({"--help"})));
}

TEST(DocsRule, SeesADifference) {
  const std::string help =
      "A command\n\nUsage: nestor x\n\nOptions:\n  -n, --count N    How many\n  --dtype a|b      One\n"
      "  -h, --help       This\n\nExamples:\n  nestor x -n 3\n";
  EXPECT_EQ(listed_by(help), (std::set<std::string>{"-n, --count N", "--dtype a|b"}));
  EXPECT_EQ(tabled_in("| option | |\n|---|---|\n| `-n, --count N` | How many |\n| `--dtype a\\|b` | One |\n"),
            listed_by(help));
  EXPECT_NE(tabled_in("| `--count N` | How many |\n"), listed_by(help));
}

TEST(Completion, KnowsCommandsAndOptions) {
  const Scratch scratch;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const std::string script = output_of({"completion", shell});
    for (const std::string& command : kCommands) {
      EXPECT_NE(script.find(command), std::string::npos) << shell << " " << command;
    }
    const std::string option = shell == "fish" ? "-l max-tokens" : "--max-tokens";
    EXPECT_NE(script.find(option), std::string::npos) << shell;
  }
}

TEST(Completion, BashReadsItAndCompletes) {
  const Scratch scratch;
  const std::string script = scratch.write("nestor.bash", output_of({"completion", "bash"}));
  const auto bash = [](const Arguments& arguments) {
    return run_process({.program = "/bin/bash", .arguments = arguments});
  };
  EXPECT_EQ(bash({"-n", script}).exit_code, 0);
  const auto completions = [&](const std::string& words, const std::string& count) {
    return bash({"-c", "cd " + (scratch / ".").string() + "; source " + script + "; COMP_WORDS=(" + words +
                           "); COMP_CWORD=" + count + "; _nestor; printf '%s\\n' \"${COMPREPLY[@]}\""})
        .out;
  };
  EXPECT_EQ(completions("nestor ngr", "1"), "ngram-ids\n");
  EXPECT_EQ(completions("nestor run --temp", "2"), "--temperature\n");
  EXPECT_EQ(completions("nestor --threads 2 run --prompt-", "4"), "--prompt-file\n");
  EXPECT_EQ(completions("nestor run --th", "2"), "--threads\n");
  EXPECT_EQ(completions("nestor tokenize --th", "2"), "\n");
  EXPECT_EQ(completions("nestor tokenize --temp", "2"), "\n");
  EXPECT_EQ(completions("nestor tokenizer tr", "2"), "train\n");
  EXPECT_EQ(completions("nestor tokenizer train --vocab", "3"), "--vocab-size\n");
}

}  // namespace
}  // namespace nestor::testing
