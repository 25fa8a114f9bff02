#include "base/folder_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "base/error.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor {
namespace {

namespace fs = std::filesystem;

TEST(FolderLock, IsHeldByOneAtATimeAndLeavesNothing) {
  const testing::ScratchFolder scratch;
  const fs::path folder = scratch.path() / "a/b";
  {
    const FolderLock lock(folder);
    EXPECT_TRUE(lock.holds_nothing_else());
    EXPECT_REFUSED(FolderLock{folder}, ErrorKind::usage, "another process is at work in this folder");
    scratch.write("a/b/file", "x");
    EXPECT_FALSE(lock.holds_nothing_else());
  }
  EXPECT_TRUE(fs::exists(folder / "file"));
  EXPECT_FALSE(fs::exists(folder / FolderLock::kFile));
  EXPECT_NO_THROW(FolderLock{folder});
}

TEST(FolderLock, AFolderThatItMadeGoesAwayIfItStaysEmpty) {
  const testing::ScratchFolder scratch;
  { const FolderLock lock(scratch.path() / "made"); }
  EXPECT_FALSE(fs::exists(scratch.path() / "made"));
  fs::create_directory(scratch.path() / "there");
  { const FolderLock lock(scratch.path() / "there"); }
  EXPECT_TRUE(fs::exists(scratch.path() / "there"));
}

TEST(FolderLock, WhatAKilledProcessLeavesMeansNothing) {
  const testing::ScratchFolder scratch;
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(scratch.path());
    ::_exit(0);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(fs::exists(scratch.path() / FolderLock::kFile));
  const FolderLock lock(scratch.path());
  EXPECT_TRUE(lock.holds_nothing_else());
}

TEST(FolderLock, RefusesWhatIsNoFolder) {
  const testing::ScratchFolder scratch;
  scratch.write("file", "x");
  EXPECT_REFUSED(FolderLock{scratch.path() / "file"}, ErrorKind::usage, "not a folder");
  EXPECT_REFUSED(FolderLock{scratch.path() / "file/below"}, ErrorKind::io, "cannot make the folder");
}

}  // namespace
}  // namespace nestor
