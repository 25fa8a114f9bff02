// Files that were just written, read again into large pages: the bytes stay what they are.
#include "base/large_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/scratch_folder.h"

namespace nestor {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class Counted : public ProgressSink {
 public:
  void advance(std::string_view, std::uint64_t now, std::uint64_t of) override {
    EXPECT_GT(now, done);
    done = now;
    total = of;
  }
  std::uint64_t done = 0, total = 0;
};

std::string pattern(std::uint64_t bytes) {
  std::string text(bytes, ' ');
  for (std::uint64_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 2654435761U >> 13);
  return text;
}

class LargePages : public ::testing::Test {
 protected:
  testing::ScratchFolder scratch;
  const std::string bytes = pattern(70 * kMiB + 5);
  const InputFile file{scratch.write("weights", bytes)};
  const MappedFile mapping{file};

  MappedPart part(std::uint64_t begin, std::uint64_t count) const { return {&file, &mapping, begin, count}; }
  bool unchanged() const { return std::ranges::equal(mapping.bytes(), std::as_bytes(std::span(bytes))); }
};

TEST_F(LargePages, ReadingAgainChangesNoByteAndIsNotNeededTwice) {
  const std::vector<MappedPart> parts = {part(100, 66 * kMiB), part(67 * kMiB, 3 * kMiB + 5)};
  const bool small = are_in_small_pages(parts);
  Counted progress;
  read_into_large_pages(parts, progress);
  EXPECT_EQ(progress.done, progress.total);
  EXPECT_GE(progress.total, 64 * kMiB);  // whole pages, by where the mapping begins
  EXPECT_LE(progress.total, 68 * kMiB);
  EXPECT_TRUE(unchanged());
  // Where the file system has no large pages, nothing asks for them.
  EXPECT_FALSE(are_in_small_pages(parts));
  if (small) {
    EXPECT_GT(bytes_in_large_pages(), 32 * kMiB);
  }
}

TEST_F(LargePages, PartsWithoutAWholePageAreLeftAlone) {
  EXPECT_FALSE(are_in_small_pages({}));
  for (const auto& [begin, count] : {std::pair{std::uint64_t{0}, std::uint64_t{0}}, {5, 100}, {kMiB, kMiB}}) {
    const std::vector<MappedPart> parts = {part(begin, count)};
    EXPECT_FALSE(are_in_small_pages(parts));
    Counted progress;
    read_into_large_pages(parts, progress);
    EXPECT_EQ(progress.done, 0U);
  }
  EXPECT_TRUE(unchanged());
}

TEST_F(LargePages, NeighboursAreJoinedAndDistantOnesAreNot) {
  std::vector<MappedPart> parts = {part(40 * kMiB, kMiB), part(0, 10), part(10, 20), part(kMiB, 7),
                                   part(50 * kMiB, 1)};
  join_neighbours(parts);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].begin, 0U);
  EXPECT_EQ(parts[0].bytes, kMiB + 7);
  EXPECT_EQ(parts[1].begin, 40 * kMiB);
  EXPECT_EQ(parts[2].begin, 50 * kMiB);
}

}  // namespace
}  // namespace nestor
