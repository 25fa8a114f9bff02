#include "docs_rule.h"

#include <gtest/gtest.h>
#include "support/paths.h"

namespace nestor::rules {
namespace {

const Inventory& small() {
  static const Inventory inventory = {{"README.md", "scripts", "scripts/build", "src", "src/base",
                                       "src/base/error.h", "docs", "docs/chat.md"},
                                      {"base"},
                                      {"run", "chat"},
                                      {{"docs/chat.md", {"start", "start-1"}}, {"README.md", {}}},
                                      {{"run", {"-p", "--prompt"}}, {"", {"--threads"}}}};
  return inventory;
}

std::size_t count(const std::string& text, const std::string& path = "README.md") {
  return docs_violations(small(), {path, text}).size() + link_violations(small(), {path, text}).size();
}

TEST(DocsRule, AcceptsWhatExists) {
  for (const char* text :
       {"`scripts/build`, then `src/base/`.", "see `base/error.h:12`", "[chat](docs/chat.md#start)",
        "`nestor run -p x`", "```\n$ build/release/bin/nestor chat\n```", "[x](https://a.b/c)",
        "`src/ROOM/a.h` `src/*/b.h` `config.json`", "`README.md` and `chat.md`", "nestor flies"}) {
    EXPECT_EQ(count(text), 0u) << text;
  }
  EXPECT_EQ(count("[up](../README.md) [beside](chat.md#start-1) [here](#start)", "docs/chat.md"), 0u);
  EXPECT_EQ(count("```\n[in code](gone.md)\n```\n`[span](gone.md)` [code](src/base/error.h#L12)"), 0u);
}

TEST(DocsRule, SeesWhatIsMissing) {
  for (const char* text :
       {"`scripts/bild`", "`src/base/gone.h`", "`base/gone.h`", "[chat](docs/gone.md)", "`nestor fly`",
        "[chat](docs/chat.md#gone)", "[here](#gone)", "```\nx\n```\n[chat](docs/gone.md#start)",
        "```\nbuild/release/bin/nestor fly\n```", "`GONE.md`", "`train/ROOM/a.h`"}) {
    EXPECT_EQ(count(text), 1u) << text;
  }
}

TEST(DocsRule, FindsCommandsInTheSource) {
  EXPECT_EQ(commands_in("app.add_subcommand(\"run\", \"Text\"); app->add_subcommand( \"chat\");"),
            (std::set<std::string>{"run", "chat"}));
}

TEST(DocsRule, KnowsOptions) {
  EXPECT_EQ(options_in("| `-n, --tokens N` | `--no` |\n| --no | |\n| `--dtype auto\\|q8` | |\n| `SRC` | |\n"),
            (std::set<std::string>{"-n", "--tokens", "--dtype"}));
  for (const char* text : {"`nestor run -p -1 --threads 2 | head --lines 1`", "`nestor chat --anything`",
                           "`nestor run --help`", "`nestor run x --prompt=--y > -z`", "`ls --all`",
                           "```\n$ build/release/bin/nestor run -p x  # --gone\n```"})
    EXPECT_EQ(count(text), 0u) << text;
  for (const char* text :
       {"`nestor run --promt x`", "`nestor run -x`", "```\n$ nestor run MODEL --gone=3 --threads 2\n```",
        "`build/release/bin/nestor run --p`"})
    EXPECT_EQ(count(text), 1u) << text;
}

TEST(DocsRule, SpellsAnchorsAsGitHub) {
  EXPECT_EQ(
      anchors_in(
          "# The model\n```\n# no heading\n```\n## `run`, or [chat](chat.md)?\n## --a_b 2.5\n## The model\n"
          "#no heading\n"),
      (std::set<std::string>{"the-model", "run-or-chat", "--a_b-25", "the-model-1"}));
}

TEST(DocsRule, SeesPagesThatCodeNames) {
  const auto named = [](const std::string& text) {
    return page_violations(small(), {"src/a.cpp", text}).size();
  };
  EXPECT_EQ(named("// docs/chat.md\nfail(\"see docs/chat.md#start; https://docs.rs/a.md\")"), 0u);
  for (const char* text : {"// docs/gone.md", "\"docs/chat.md#gone\"", "# (docs/a/gone.md)"})
    EXPECT_EQ(named(text), 1u) << text;
}

TEST(DocsRule, HoldsHere) {
  const Inventory inventory = take_inventory(testing::source_folder());
  for (const File& file : read_tree(testing::source_folder())) {
    if (file.path.starts_with("tests/rules/")) continue;  // examples
    Violations found = page_violations(inventory, file);
    const auto see = [&](const Violations& more) { found.insert(found.end(), more.begin(), more.end()); };
    if (file.path.ends_with(".md")) see(link_violations(inventory, file));
    if (file.path.ends_with(".md") && !file.path.starts_with("bench/") && !file.path.starts_with("study/"))
      see(docs_violations(inventory, file));
    EXPECT_TRUE(found.empty()) << joined(found);
  }
}

}  // namespace
}  // namespace nestor::rules
