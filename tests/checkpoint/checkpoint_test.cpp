// Checkpoint folders: shards, the index, links, and what else lies around.
#include "checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include "checkpoint/file_text.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::checkpoint {
namespace {

using testing::file_text;
using testing::one_tensor;
using testing::ScratchFolder;

constexpr const char* kIndex = "model.safetensors.index.json";

TEST(Checkpoint, AFolderWithoutFilesIsNotFound) {
  const ScratchFolder folder;
  EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::not_found, "no *.safetensors");
  folder.write("readme.txt", "x");
  folder.write("model.bin", "x");
  EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::not_found, "no *.safetensors");
  EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::not_found, "model.bin: pickles of PyTorch");
  EXPECT_REFUSED(Checkpoint(folder.path() / "nowhere"), ErrorKind::not_found, "nothing there");
  EXPECT_REFUSED(Checkpoint(folder.path() / "readme.txt"), ErrorKind::not_found, "a file");
}

TEST(Checkpoint, ShardsMakeOneNameSpace) {
  const ScratchFolder folder;
  folder.write("a.safetensors", one_tensor("a"));
  folder.write("b.safetensors",
               file_text(R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 0) + "hi");
  folder.write("other.txt", "not a shard");
  folder.write(".hidden.safetensors", "not even a file");
  folder.write("sub/c.safetensors", one_tensor("c"));
  const Checkpoint checkpoint(folder.path());
  ASSERT_EQ(checkpoint.tensors().size(), 2U);
  EXPECT_EQ(checkpoint.find("c"), nullptr);
  const StoredTensor* b = checkpoint.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->bytes()[0], std::byte{'h'});
  EXPECT_EQ(b->bytes()[1], std::byte{'i'});
}

TEST(Checkpoint, ATensorInTwoFilesIsRefusedWithBothNames) {
  const ScratchFolder folder;
  folder.write("a.safetensors", one_tensor("t"));
  folder.write("b.safetensors", one_tensor("t"));
  EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::bad_input, "a.safetensors and in");
  EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::bad_input, "b.safetensors");
}

TEST(Checkpoint, ABadShardIsNamed) {
  const ScratchFolder folder;
  folder.write("a.safetensors", one_tensor("a"));
  for (const std::string& bytes : {std::string(), std::string("\0\0\0", 3), one_tensor("b").substr(0, 60)}) {
    folder.write("bad.safetensors", bytes);
    EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::bad_input, "bad.safetensors");
  }
}

TEST(Checkpoint, AShardThatIsSomethingElseIsNamed) {
  const ScratchFolder folder;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-lfs pointer"},
      {"<!DOCTYPE html><html></html>", "a web page"},
      {"<html>", "a web page"},
      {std::string("GGUF\3\0\0\0\0\0\0\0", 12), "a GGUF file"},
      {std::string("PK\x03\x04\x14\0\0\0\0\0", 10), "a pickle of PyTorch"},
      {std::string("\x80\x02}q\0ctorch._utils", 18), "a pickle"}};
  for (const auto& [bytes, name] : cases) {
    folder.write("model.safetensors", bytes);
    EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::bad_input, name);
    EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::bad_input,
                   "model.safetensors: expected safetensors");
  }
}

TEST(Checkpoint, TheIndexDecidesWhichFilesCount) {
  const ScratchFolder folder;
  folder.write("a.safetensors", one_tensor("a"));
  folder.write("b.safetensors", one_tensor("b"));
  folder.write("copy of a.safetensors", one_tensor("a"));
  folder.write("broken.safetensors", "x");
  folder.write(kIndex, R"({"weight_map":{"a":"a.safetensors","b":"b.safetensors"}})");
  const Checkpoint checkpoint(folder.path());
  EXPECT_EQ(checkpoint.tensors().size(), 2U);
  EXPECT_EQ(checkpoint.unused_files(),
            (std::vector<std::string>{"broken.safetensors", "copy of a.safetensors"}));
}

TEST(Checkpoint, AShardThatIsAFolderOrADeadLinkIsAnError) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder.path() / "a.safetensors");
  EXPECT_TRUE(testing::refusal_of([&] { Checkpoint{folder.path()}; }));
  const ScratchFolder other;
  std::filesystem::create_symlink("gone", other.path() / "a.safetensors");
  EXPECT_REFUSED(Checkpoint(other.path()), ErrorKind::not_found, "a.safetensors");
}

TEST(Checkpoint, TheIndexMustAgree) {
  struct Case {
    const char* index;
    const char* fragment;  // empty: accepted
  };
  const ScratchFolder folder;
  folder.write("a.safetensors", one_tensor("a"));
  folder.write("b.safetensors", one_tensor("b"));
  for (const Case& c : {
           Case{R"({"metadata":{"total_size":8},"weight_map":{"a":"a.safetensors","b":"b.safetensors"}})",
                ""},
           Case{R"({"weight_map":{"a":"a.safetensors","b":"a.safetensors"}})",
                "but that file does not have it"},
           Case{R"({"weight_map":{"a":"b.safetensors","b":"a.safetensors"}})", "but is in \"a.safetensors\""},
           Case{R"({"weight_map":{"a":"a.safetensors","z":"c.safetensors"}})", "is a shard missing"},
           Case{R"({"weight_map":{"a":"../x/a.safetensors"}})", "is a shard missing"},
           Case{R"({"weight_map":{"a":null}})", "must name a file"},
           Case{R"({"weight_map":[]})", "weight_map"},
           Case{R"({"metadata":{}})", "weight_map"},
           Case{R"([])", "weight_map"},
           Case{R"({"weight_map":{"a":"a.safetensors","a":"a.safetensors"}})", "occurs twice"},
           Case{"{", kIndex},
           Case{"", kIndex},
       }) {
    SCOPED_TRACE(c.index);
    folder.write(kIndex, c.index);
    if (*c.fragment == 0) {
      EXPECT_EQ(Checkpoint(folder.path()).tensors().size(), 2U);
    } else {
      EXPECT_REFUSED(Checkpoint(folder.path()), ErrorKind::bad_input, c.fragment);
    }
  }
}

// The Hugging Face cache: snapshots/REVISION/NAME -> ../../blobs/HASH, and users who link the folder itself.
TEST(Checkpoint, LinkedFilesAndFoldersAreFollowed) {
  const ScratchFolder cache;
  cache.write("blobs/0123abcd", one_tensor("a"));
  cache.write("blobs/4567ef01", one_tensor("b"));
  cache.write("blobs/89", R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})");
  const auto snapshot = cache.path() / "snapshots" / "rev";
  std::filesystem::create_directories(snapshot);
  std::filesystem::create_symlink("../../blobs/0123abcd", snapshot / "m-1.safetensors");
  std::filesystem::create_symlink("../../blobs/4567ef01", snapshot / "m-2.safetensors");
  std::filesystem::create_symlink("../../blobs/89", snapshot / kIndex);
  std::filesystem::create_directory_symlink("snapshots/rev", cache.path() / "current");
  for (const auto& folder : {snapshot, cache.path() / "current"}) {
    const Checkpoint checkpoint(folder);
    EXPECT_NE(checkpoint.find("a"), nullptr);
    EXPECT_NE(checkpoint.find("b"), nullptr);
    EXPECT_EQ(checkpoint.folder(), folder);
  }
}

}  // namespace
}  // namespace nestor::checkpoint
