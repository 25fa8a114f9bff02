#include "docs_rule.h"

#include <gtest/gtest.h>
#include "support/paths.h"

namespace nestor::rules {
namespace {

const Inventory& small() {
  static const Inventory inventory = {{"README.md", "scripts", "scripts/build", "src", "src/base",
                                       "src/base/error.h", "docs", "docs/chat.md"},
                                      {"base"},
                                      {"run", "chat"}};
  return inventory;
}

std::size_t count(const std::string& text, const std::string& path = "README.md") {
  return docs_violations(small(), {path, text}).size();
}

TEST(DocsRule, AcceptsWhatExists) {
  for (const char* text :
       {"`scripts/build`, then `src/base/`.", "see `base/error.h:12`", "[chat](docs/chat.md#start)",
        "`nestor run -p x`", "```\n$ build/release/bin/nestor chat\n```", "[x](https://a.b/c)",
        "`src/ROOM/a.h` `src/*/b.h` `config.json`", "`README.md` and `chat.md`", "nestor flies"}) {
    EXPECT_EQ(count(text), 0u) << text;
  }
  EXPECT_EQ(count("[up](../README.md) [beside](chat.md)", "docs/chat.md"), 0u);
}

TEST(DocsRule, SeesWhatIsMissing) {
  for (const char* text :
       {"`scripts/bild`", "`src/base/gone.h`", "`base/gone.h`", "[chat](docs/gone.md)", "`nestor fly`",
        "```\nbuild/release/bin/nestor fly\n```", "`GONE.md`", "`train/ROOM/a.h`"}) {
    EXPECT_EQ(count(text), 1u) << text;
  }
}

TEST(DocsRule, FindsCommandsInTheSource) {
  EXPECT_EQ(commands_in("app.add_subcommand(\"run\", \"Text\"); app->add_subcommand( \"chat\");"),
            (std::set<std::string>{"run", "chat"}));
}

TEST(DocsRule, HoldsHere) {
  const Inventory inventory = take_inventory(testing::source_folder());
  for (const File& file : read_tree(testing::source_folder())) {
    const bool document = file.path.ends_with(".md") &&
                          (file.path.find('/') == std::string::npos || file.path.starts_with("docs/"));
    if (!document) continue;
    const Violations found = docs_violations(inventory, file);
    EXPECT_TRUE(found.empty()) << joined(found);
  }
}

}  // namespace
}  // namespace nestor::rules
