// The file that keeps how weights are read: whatever stands in it, opening a model works.
#include "assemble/kept_streams.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "support/scratch_folder.h"

namespace nestor::assemble {
namespace {

namespace fs = std::filesystem;
using kernels::Format;
using kernels::Reading;

class KeptStreams : public ::testing::Test {
 protected:
  testing::ScratchFolder scratch;
  const fs::path file = scratch.path() / "new" / "streams.json";
  int measured = 0;  // formats so far
  bool steady = true;
  CpuInfo cpu;

  // What a measurement here would find: the last that are tried.
  static Reading one(Format format) { return measure::readings(format, 1).back(); }
  static Reading few(Format format) { return measure::readings(format, 4).back(); }

  kernels::Streams kept(const fs::path& path, StreamChoice choice = StreamChoice::kept,
                        const std::vector<Format>& formats = {Format::q4}, int threads = 1) {
    return kept_streams(path, {cpu, "a set", threads}, formats, choice, [&](std::span<const Format> missing) {
      measure::FoundStreams found;
      for (const Format format : missing) {
        found.streams.one(format) = one(format);
        found.streams.few(format) = few(format);
        ++measured;
      }
      found.steady = steady;
      return found;
    });
  }
  // How many formats are measured the next time.
  int measured_next() {
    measured = 0;
    kept(file);
    return measured;
  }
  Json content() const { return read_json(file, 1 << 20); }
};

bool equal(const Reading& a, const Reading& b) {
  return a.side_by_side == b.side_by_side && a.bytes_ahead == b.bytes_ahead;
}

TEST_F(KeptStreams, WhatWasMeasuredIsTakenNextTime) {
  auto first = kept(file);
  EXPECT_EQ(measured, 1);
  EXPECT_EQ(content()["form"], "nestor streams 1");
  const std::string before = read_file(file, 1 << 20);
  auto again = kept(file);
  EXPECT_EQ(measured, 1);
  for (auto* streams : {&first, &again}) {
    EXPECT_TRUE(equal(streams->one(Format::q4), one(Format::q4)));
    EXPECT_TRUE(equal(streams->few(Format::q4), few(Format::q4)));
    EXPECT_TRUE(equal(streams->one(Format::q8), kernels::Streams().one(Format::q8)));
  }
  EXPECT_EQ(read_file(file, 1 << 20), before);
  kept(file, StreamChoice::measured);
  EXPECT_EQ(measured, 2);
}

TEST_F(KeptStreams, OnlyWhatIsMissingIsMeasured) {
  kept(file);
  kept(file, StreamChoice::kept, {Format::q8, Format::q4, Format::bf16});
  EXPECT_EQ(measured, 3);
  kept(file, StreamChoice::kept, {Format::bf16, Format::q8});
  EXPECT_EQ(measured, 3);
}

TEST_F(KeptStreams, AnotherMachineAndNumberOfThreadsHaveTheirOwn) {
  kept(file);
  kept(file, StreamChoice::kept, {Format::q4}, 2);
  cpu.signature = 0xA10F11;
  kept(file);
  cpu.name = "another";
  kept(file);
  EXPECT_EQ(measured, 4);
  EXPECT_EQ(content().size(), 5U);
  EXPECT_EQ(measured_next(), 0);
}

TEST_F(KeptStreams, WhatWasDisturbedIsUsedAndNotKept) {
  steady = false;
  EXPECT_TRUE(equal(kept(file).one(Format::q4), one(Format::q4)));
  EXPECT_FALSE(fs::exists(file));
  steady = true;
  EXPECT_EQ(measured_next(), 1);
  EXPECT_EQ(measured_next(), 0);
}

TEST_F(KeptStreams, WhatIsDamagedOrForeignIsMeasuredAgain) {
  for (const char* bytes :
       {"", "{", "[]", "null", "\xff", "{\"form\": \"nestor streams 2\"}", "{\"form\": 1}"}) {
    kept(file);
    write_file(file, bytes);
    EXPECT_EQ(measured_next(), 1) << bytes;
    EXPECT_EQ(measured_next(), 0) << bytes;
  }
  for (const char* choice :
       {"null", "[]", "[[1, 0]]", "[[1, 0], [7, 7]]", "[[-1, 0], [1, 0]]", "[[1, 0], [1, \"0\"]]",
        "[[1e99, 0], [1, 0]]", "[[1, 0, 0], [1, 0]]", "{\"1\": 0}"}) {
    kept(file);
    Json all = content();
    for (auto& [name, entry] : all.items()) {
      if (name != "form") entry["q4"] = parse_json(choice, "choice");
    }
    write_file(file, to_text(all));
    EXPECT_EQ(measured_next(), 1) << choice;
    EXPECT_EQ(measured_next(), 0) << choice;
  }
}

TEST_F(KeptStreams, WhereNothingCanBeKeptNothingFails) {
  int calls = 0;
  for (const fs::path& nowhere : {fs::path(), scratch.write("file", "") / "streams.json", scratch.path(),
                                  fs::path("/proc/streams.json")}) {
    kept(nowhere);
    EXPECT_EQ(measured, ++calls) << nowhere;
  }
}

TEST(Streams, FormatsBeyondCachesAreThoseWithMuch) {
  EXPECT_TRUE(formats_beyond_caches({}).empty());
  const std::array<std::uint64_t, kernels::kFormats> bytes = {0, 0, 1U << 20, 0, 1U << 30, 1U << 26};
  EXPECT_EQ(formats_beyond_caches(bytes), (std::vector{Format::q8, Format::q4}));
}

TEST(Streams, TextNamesEveryFormat) {
  EXPECT_EQ(text_of({}, std::array{Format::q4, Format::bf16}), "q4 3+4608 3+4608, bf16 6+4608 6+4608");
  EXPECT_EQ(text_of({}, {}), "");
}

}  // namespace
}  // namespace nestor::assemble
