#include "corpus/sources.h"

#include <gtest/gtest.h>

#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::testing {
namespace {

using corpus::FormatChoice;
using corpus::list_sources;
using corpus::TextFormat;

TEST(Sources, FoldersAreSearchedInOrder) {
  const ScratchFolder scratch;
  for (const char* name : {"b.md", "a/z.txt.xz", "a/y.jsonl", "c.jsonl.xz", "a.pdf", ".hidden.txt",
                           ".git/x.txt", "d.xz", "deep/er/e.txt", "txt"}) {
    scratch.write(name, "12345");
  }
  std::vector<std::string> names;
  for (const auto& file : list_sources(std::vector{scratch.path().string()}, FormatChoice::by_name)) {
    names.push_back(std::filesystem::relative(file.name, scratch.path()).string());
    EXPECT_EQ(file.bytes, 5U);
    EXPECT_EQ(file.format == TextFormat::jsonl, file.name.find(".jsonl") != std::string::npos) << file.name;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"a/y.jsonl", "a/z.txt.xz", "b.md", "c.jsonl.xz", "deep/er/e.txt"}));
}

TEST(Sources, FilesAreTakenWhateverTheirName) {
  const ScratchFolder scratch;
  const std::string text = scratch.write("README", "x").string(),
                    json = scratch.write("x.json", "x").string();
  const auto files = list_sources(std::vector{text, std::string("-")}, FormatChoice::by_name);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].format, TextFormat::text);
  EXPECT_EQ(files[1].format, TextFormat::text);
  EXPECT_EQ(list_sources(std::vector{text}, FormatChoice::jsonl)[0].format, TextFormat::jsonl);
  EXPECT_EQ(list_sources(std::vector{json}, FormatChoice::text)[0].format, TextFormat::text);
  EXPECT_REFUSED(list_sources(std::vector{json}, FormatChoice::by_name), ErrorKind::usage, "--format jsonl");
}

TEST(Sources, WhatCannotBeRead) {
  const ScratchFolder scratch;
  const std::string gone = (scratch.path() / "gone").string();
  EXPECT_REFUSED(list_sources(std::vector{gone}, FormatChoice::by_name), ErrorKind::not_found, "gone");
  EXPECT_REFUSED(list_sources(std::vector{scratch.path().string()}, FormatChoice::by_name),
                 ErrorKind::bad_input, "no text in this folder");
  EXPECT_REFUSED(list_sources(std::vector<std::string>{"-", "-"}, FormatChoice::by_name), ErrorKind::usage,
                 "only once");
}

}  // namespace
}  // namespace nestor::testing
