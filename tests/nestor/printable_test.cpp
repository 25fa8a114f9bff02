// What files, folders and templates are called or say reaches the terminal without control characters, and
// short.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "linked_model.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

const std::string kDigits(5000, '7');

// A title, a colour and a cursor movement as terminals of either kind understand them.
const std::string kCommands =
    "a\x1B[31mb\x07"
    "c\rd\xC2\x9B"
    "2Ke\xC2\x90"
    "f\x7F";

void expect_printable(const Arguments& arguments, int exit_code, const std::string& input = "") {
  const Outcome outcome = nestor(arguments, input);
  EXPECT_EQ(outcome.exit_code, exit_code) << printable(outcome.err);
  EXPECT_FALSE(outcome.err.empty());
  EXPECT_LT(outcome.err.size(), 2000U) << printable(outcome.err);
  EXPECT_EQ(printable(outcome.err.substr(0, outcome.err.size() - 1)),
            outcome.err.substr(0, outcome.err.size() - 1))
      << printable(outcome.err);
}

TEST(Printable, NamesOfFoldersAndFiles) {
  const Scratch scratch;
  const std::string folder = (scratch / kCommands).string();
  expect_printable({"inspect", folder}, 1);
  fs::create_directory(folder);
  for (const char* command :
       {"inspect", "run", "tokenize", "chat", "template", "eval", "logits", "bench", "serve"}) {
    Arguments arguments = {command, folder};
    if (command == std::string("run")) arguments.insert(arguments.end(), {"-p", "x"});
    if (command == std::string("tokenize")) arguments.insert(arguments.end(), {"--text", "x"});
    if (command == std::string("template")) arguments.insert(arguments.end(), {"--input", "-"});
    if (command == std::string("eval")) arguments.insert(arguments.end(), {"--text", "x"});
    if (command == std::string("logits")) arguments.insert(arguments.end(), {"--ids", "1", "--out", folder});
    expect_printable(arguments, 1);
  }
  expect_printable({"convert", folder, folder + "2"}, 1);
  expect_printable({"convert", story(), folder, "--keep", kCommands + "=q8"}, 2);
  expect_printable({"new", "--preset", folder + ".json", folder}, 1);
  expect_printable({"data", folder, "--tokenizer", story(), "--out", folder + "3"}, 1);
  expect_printable({"run", "--" + kCommands}, 2);
  expect_printable({kCommands}, 2);
  // What succeeds speaks too.
  expect_printable({"new", "--preset", "tiny", folder + "4"}, 0);
  const std::string shown = output_of({"inspect", folder + "4"});
  const std::string first = shown.substr(0, shown.find('\n'));
  EXPECT_EQ(printable(first), first);
}

TEST(Printable, WhatConfigurationsAndTemplatesSay) {
  const LinkedModel model;
  Json config = read_test_json("golden/story/config.json");
  config[kCommands] = 1;
  model.replace("config.json", to_text(config));
  expect_printable({"inspect", model.folder()}, 1);
  config.erase(kCommands);
  config["architectures"] = {kCommands};
  model.replace("config.json", to_text(config));
  expect_printable({"inspect", model.folder()}, 1);
  for (const std::string& text :
       {"{{ raise_exception('" + kCommands + "') }}", "{% " + kCommands + " %}", "{{ " + kCommands + " }}",
        "{{ x['" + kCommands + "'].y }}", "{{ '" + kCommands + "' | int + [] }}", "{{ f(" + kDigits + ") }}",
        "{{ " + kDigits + ".x.y }}", "{{ 'x' * " + kDigits + " }}", "{{ " + kDigits + " + 'x' }}"}) {
    SCOPED_TRACE(printable(text.substr(0, 60)));
    model.replace("chat_template.jinja", text);
    expect_printable({"template", model.folder(), "--input", "-"}, 1,
                     R"({"messages": [{"role": "user", "content": "x"}]})");
  }
}

TEST(Printable, NamesOfTensors) {
  const Scratch scratch;
  Json header = {{kCommands, {{"dtype", "F32"}, {"shape", {1}}, {"data_offsets", {0, 4}}}}};
  const std::string text = to_text(header);
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(text.size() & 255U);
  bytes[1] = static_cast<char>(text.size() >> 8U);
  scratch.write("m/model.safetensors", bytes + text + std::string(4, '\0'));
  scratch.write("m/config.json", bytes_of(story() + "/config.json"));
  expect_printable({"inspect", (scratch / "m").string()}, 1);
  header[kCommands]["dtype"] = kCommands;
  scratch.write("m/model.safetensors", bytes + text + std::string(4, '\0') + "x");
  expect_printable({"run", (scratch / "m").string(), "-p", "x"}, 1);
}

TEST(Printable, NumbersOfAnyLength) {
  const LinkedModel model;
  const std::string config = bytes_of(story() + "/config.json");
  for (const std::string& number : {kDigits, "-" + kDigits, kDigits + ".5", "1" + std::string(300, '0')}) {
    std::string changed = config;
    const std::size_t at = changed.find(':', changed.find("\"hidden_size\"")) + 1;
    changed.replace(at, changed.find_first_of(",}", at) - at, number);
    model.replace("config.json", changed);
    expect_printable({"inspect", model.folder()}, 1);
  }
  for (const char* option : {"--threads", "--ctx"})
    expect_printable({"inspect", story(), option, kDigits}, 2);
  for (const char* option : {"--seed", "-n", "--temperature", "--top-p", "--stop-ids"})
    expect_printable({"run", story(), "-p", "x", option, kDigits}, 2);
  expect_printable({"logits", story(), "--ids", kDigits, "--out", "x"}, 2);
  expect_printable({"template", story(), "--input", "-"}, 1, "{\"messages\": " + kDigits + "}");
}

}  // namespace
}  // namespace nestor::testing
