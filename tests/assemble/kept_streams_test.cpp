// The file that keeps how weights are read: whatever stands in it, opening a model works.
#include "assemble/kept_streams.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "kernels/registry.h"
#include "measure/streams.h"
#include "support/scratch_folder.h"

namespace nestor::assemble {
namespace {

namespace fs = std::filesystem;
using kernels::Format;
using kernels::Reading;

constexpr std::array kFormats = {Format::q4};

class KeptStreams : public ::testing::Test {
 protected:
  testing::ScratchFolder scratch;
  const kernels::OpTable& ops = kernels::select_set("auto", cpu_info());
  const fs::path file = scratch.path() / "new" / "streams.json";

  StreamsKey key(int threads = 1) const { return {cpu_info(), ops.name, threads}; }
  kernels::Streams kept(const fs::path& path, StreamChoice choice = StreamChoice::kept) const {
    return kept_streams(path, key(), ops, kFormats, choice);
  }
  Json content() const { return read_json(file, 1 << 20); }
  // The file with another choice for q4 in its only entry.
  void rewrite(const Json& choice) const {
    Json all = content();
    for (auto& [name, entry] : all.items()) {
      if (name != "form") entry["q4"] = choice;
    }
    write_file(file, to_text(all));
  }
};

void expect_equal(const Reading& a, const Reading& b) {
  EXPECT_EQ(a.side_by_side, b.side_by_side);
  EXPECT_EQ(a.bytes_ahead, b.bytes_ahead);
}

TEST_F(KeptStreams, WhatWasMeasuredIsTakenNextTime) {
  if (ops.matmul_coded == nullptr) GTEST_SKIP() << "needs a set that multiplies codes";
  kept(file);
  EXPECT_EQ(content()["form"], "nestor streams 1");
  // Choices that a measurement would not make by chance: the last that are tried.
  const Reading one = measure::readings(Format::q4, 1).back(), few = measure::readings(Format::q4, 4).back();
  rewrite({{one.side_by_side, one.bytes_ahead}, {few.side_by_side, few.bytes_ahead}});
  const std::string before = read_file(file, 1 << 20);
  auto again = kept(file);
  expect_equal(again.one(Format::q4), one);
  expect_equal(again.few(Format::q4), few);
  EXPECT_EQ(read_file(file, 1 << 20), before);
  kept(file, StreamChoice::measured);
  EXPECT_NE(read_file(file, 1 << 20), before);  // at least its form: it was written anew
}

TEST_F(KeptStreams, AnotherNumberOfThreadsHasItsOwn) {
  if (ops.matmul_coded == nullptr) GTEST_SKIP() << "needs a set that multiplies codes";
  kept(file);
  kept_streams(file, key(2), ops, kFormats);
  EXPECT_EQ(content().size(), 3U);
}

TEST_F(KeptStreams, WhatIsDamagedOrForeignIsMeasuredAgain) {
  if (ops.matmul_coded == nullptr) GTEST_SKIP() << "needs a set that multiplies codes";
  const Json right = (kept(file), content());
  for (const char* bytes :
       {"", "{", "[]", "null", "\xff", "{\"form\": \"nestor streams 2\"}", "{\"form\": 1}"}) {
    write_file(file, bytes);
    kept(file);
    EXPECT_EQ(content().size(), right.size()) << bytes;
  }
  for (const char* choice :
       {"null", "[]", "[[1, 0]]", "[[1, 0], [7, 7]]", "[[-1, 0], [1, 0]]", "[[1, 0], [1, \"0\"]]",
        "[[1e99, 0], [1, 0]]", "[[1, 0, 0], [1, 0]]", "{\"1\": 0}"}) {
    write_file(file, to_text(right));
    rewrite(parse_json(choice, "choice"));
    const std::string before = read_file(file, 1 << 20);
    kept(file);
    EXPECT_NE(read_file(file, 1 << 20), before) << choice;
  }
}

TEST_F(KeptStreams, WhereNothingCanBeKeptNothingFails) {
  if (ops.matmul_coded == nullptr) GTEST_SKIP() << "needs a set that multiplies codes";
  kept({});
  kept(scratch.write("file", "") / "streams.json");  // its folder is a file
  kept(scratch.path());                              // a folder
  kept("/proc/streams.json");
}

TEST(Streams, FormatsBeyondCachesAreThoseWithMuch) {
  EXPECT_TRUE(formats_beyond_caches({}).empty());
  const std::array<std::uint64_t, kernels::kFormats> bytes = {0, 0, 1U << 20, 0, 1U << 30, 1U << 26};
  EXPECT_EQ(formats_beyond_caches(bytes), (std::vector{Format::q8, Format::q4}));
}

}  // namespace
}  // namespace nestor::assemble
