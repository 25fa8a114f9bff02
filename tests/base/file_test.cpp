#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>

#include "base/error.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor {
namespace {

class FileTest : public ::testing::Test {
 protected:
  const testing::ScratchFolder scratch_;
  const std::filesystem::path& folder_ = scratch_.path();
};

TEST_F(FileTest, WhatIsCommittedIsThereAndWhatIsNotLeavesNothing) {
  const auto path = folder_ / "a.txt";
  write_file(path, "hello");
  EXPECT_EQ(read_file(path, 5), "hello");
  {
    OutputFile abandoned(folder_ / "b.txt");
    abandoned.write(std::string_view("half"));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, WritingFollowsALinkAndLeavesDevicesAndFoldersAlone) {
  write_file(folder_ / "target", "old");
  std::filesystem::create_symlink(folder_ / "target", folder_ / "link");
  write_file(folder_ / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "target", 9), "new");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_THROW(OutputFile(folder_ / "fifo"), Error);
  EXPECT_TRUE(std::filesystem::is_fifo(folder_ / "fifo"));
  EXPECT_THROW(OutputFile{folder_}, Error);
}

TEST_F(FileTest, RefusesWhatIsNoRegularFileOrTooLarge) {
  EXPECT_REFUSED(read_file(folder_ / "none", 9), ErrorKind::not_found, "none");
  EXPECT_REFUSED(read_file(folder_, 9), ErrorKind::bad_input, "found a folder");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_REFUSED(read_file(folder_ / "fifo", 9), ErrorKind::bad_input, "found something else");
  write_file(folder_ / "a", "0123456789");
  EXPECT_REFUSED(read_file(folder_ / "a", 9), ErrorKind::limit, "10 bytes, more than the 9");
}

TEST_F(FileTest, ATruncatedFileIsAnErrorAndNotAShortRead) {
  write_file(folder_ / "a", "0123456789");
  const InputFile file(folder_ / "a");
  std::filesystem::resize_file(folder_ / "a", 4);
  std::array<std::byte, 8> out{};
  EXPECT_REFUSED(file.read_at(0, out), ErrorKind::io, "ends 4 bytes too early at offset 4");
  EXPECT_NE(file.read_cached(0, out), InputFile::Source::memory);
}

TEST_F(FileTest, ACachedReadTellsWhereTheBytesAre) {
  write_file(folder_ / "a", "0123456789");
  const InputFile file(folder_ / "a");
  std::array<std::byte, 4> out{};
  file.read_at(0, out);  // from now on in the page cache, where there is one
  const InputFile::Source source = file.read_cached(3, out);
  EXPECT_NE(source, InputFile::Source::disk);
  if (source == InputFile::Source::memory) {
    EXPECT_EQ(out[0], std::byte{'3'});
  }
  file.will_need(0, 10);
}

TEST_F(FileTest, MapsALinkedFileAndAnEmptyOne) {
  write_file(folder_ / "a", "0123456789");
  std::filesystem::create_symlink(folder_ / "a", folder_ / "link");
  const MappedFile mapped{InputFile(folder_ / "link")};
  ASSERT_EQ(mapped.bytes().size(), 10U);
  EXPECT_EQ(static_cast<char>(mapped.bytes()[9]), '9');
  mapped.advise_large_pages(3, 4);
  mapped.advise_large_pages(10, 100);
  EXPECT_EQ(static_cast<char>(mapped.bytes()[3]), '3');
  write_file(folder_ / "empty", "");
  const MappedFile empty{InputFile(folder_ / "empty")};
  empty.advise_large_pages(0, 1);
  EXPECT_TRUE(empty.bytes().empty());
}

}  // namespace
}  // namespace nestor
