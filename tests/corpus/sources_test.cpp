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

TEST(Sources, EveryEndingIsKnownAndTheRestIsListed) {
  const ScratchFolder scratch;
  const std::vector<std::string> read = {"a.txt.gz",     "b.jsonl.zst", "c.ndjson",
                                         "d.ndjson.bz2", "e.md.xz",     "f.txt"};
  const std::vector<std::string> unread = {"a.csv", "b.parquet", "deep/c.txt.zip", "d.gz"};
  for (const auto& names : {read, unread, {".hidden.csv"}}) {
    for (const std::string& name : names) scratch.write(name, "12345");
  }
  const auto shown = [&](const std::string& name) {
    return std::filesystem::relative(name, scratch.path()).string();
  };
  const std::vector<std::string> sources = {scratch.path().string(), (scratch.path() / "a.csv").string()};
  std::vector<std::string> names;
  for (const auto& file : list_sources({sources.data(), 1}, FormatChoice::by_name)) {
    names.push_back(shown(file.name));
    const bool json = file.name.find("json") != std::string::npos;
    EXPECT_EQ(file.format, json ? TextFormat::jsonl : TextFormat::text) << file.name;
  }
  EXPECT_EQ(names, read);
  names.clear();
  for (const std::string& name : corpus::unread_files(sources)) names.push_back(shown(name));
  EXPECT_EQ(names, (std::vector<std::string>{"a.csv", "b.parquet", "d.gz", "deep/c.txt.zip"}));
}

TEST(Sources, MegatronShardsAreNamedInThreeWays) {
  const ScratchFolder scratch;
  const std::string index = scratch.write("c.idx", "x").string();
  const std::string ids = scratch.write("c.bin", "12345").string();
  for (const std::string& name : {index, ids, (scratch.path() / "c").string()}) {
    const auto files = list_sources(std::vector{name}, FormatChoice::by_name);
    EXPECT_EQ(files[0].name, index);
    EXPECT_EQ(files[0].format, TextFormat::megatron);
    EXPECT_EQ(files[0].bytes, 5U);
  }
  const std::string alone = scratch.write("d.bin", "text").string();
  EXPECT_EQ(list_sources(std::vector{alone}, FormatChoice::by_name)[0].format, TextFormat::text);
}

TEST(Sources, FilesAreTakenWhateverTheirName) {
  const ScratchFolder scratch;
  const std::string text = scratch.write("README", "x").string(),
                    json = scratch.write("x.json", "x").string();
  const auto files = list_sources(std::vector{text, std::string("-")}, FormatChoice::by_name);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].format, TextFormat::text);
  EXPECT_EQ(files[1].format, TextFormat::by_content);
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
