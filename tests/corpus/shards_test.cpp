// Shards read back what was written, and refuse folders that were damaged.
#include "corpus/shards.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/checked_json.h"
#include "base/file.h"
#include "base/json.h"
#include "corpus/shard_writer.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "tiny_corpus.h"

namespace nestor::testing {
namespace {

using corpus::Shards;
using corpus::Split;

std::vector<TokenId> all_of(const Shards& shards) {
  std::vector<TokenId> ids(static_cast<std::size_t>(shards.tokens()));
  shards.read(0, ids);
  return ids;
}

class ShardsOfSizes : public ::testing::TestWithParam<std::tuple<std::int64_t, std::int64_t>> {};

TEST_P(ShardsOfSizes, ReadBackWhatWasWritten) {
  const auto [vocab_size, tokens_per_file] = GetParam();
  const ScratchFolder scratch;
  const auto largest = static_cast<TokenId>(vocab_size - 1);
  const Shards shards(write_tiny(scratch.path() / "corpus", {.train = {{5, 6, largest}, {}, {7}},
                                                             .heldout = {{8}},
                                                             .vocab_size = vocab_size,
                                                             .tokens_per_file = tokens_per_file}),
                      Split::train);
  const std::vector<TokenId> expected{5, 6, largest, kEos, kEos, 7, kEos};
  EXPECT_EQ(all_of(shards), expected);
  EXPECT_EQ(shards.tokens(), 7);
  EXPECT_EQ(shards.documents(), 3);
  EXPECT_EQ(shards.text_bytes(), 8);
  EXPECT_EQ(shards.vocab_size(), vocab_size);
  EXPECT_EQ(shards.eos(), kEos);
  for (std::size_t first = 0; first <= 7; ++first) {
    for (std::size_t count = 0; first + count <= 7; ++count) {
      std::vector<TokenId> part(count);
      shards.read(static_cast<std::int64_t>(first), part);
      EXPECT_TRUE(
          std::equal(part.begin(), part.end(), expected.begin() + static_cast<std::ptrdiff_t>(first)));
    }
  }
  const std::vector<std::int64_t> starts{0, 4, 5, 7};
  for (std::size_t d = 0; d < 4; ++d)
    EXPECT_EQ(shards.document_start(static_cast<std::int64_t>(d)), starts[d]);
  EXPECT_EQ(all_of(Shards(shards.folder(), Split::heldout)), (std::vector<TokenId>{8, kEos}));
}

INSTANTIATE_TEST_SUITE_P(All, ShardsOfSizes,
                         ::testing::Combine(::testing::Values(10, 65536, 65537, 200000),
                                            ::testing::Values(1, 2, 3, 6, 7, 8, 1000)));

// Of an older version, without checksums: what else is checked.
class DamagedShards : public ::testing::Test {
 protected:
  DamagedShards()
      : folder_(write_tiny(scratch_.path() / "corpus",
                           {.train = {{5, 6}, {7}}, .heldout = {}, .vocab_size = 10})) {
    Json manifest = read_json(folder_ / "corpus.json", 1 << 20);
    for (const char* split : {"train", "heldout"}) {
      manifest["splits"][split].erase("checksum");
      std::filesystem::remove(folder_ / (std::string(split) + ".sums"));
    }
    write_file(folder_ / "corpus.json", to_text(manifest));
  }

  void edit(const std::string& pointer, const Json& value) {
    Json manifest = read_json(folder_ / "corpus.json", 1 << 20);
    manifest[Json::json_pointer(pointer)] = value;
    write_file(folder_ / "corpus.json", to_text(manifest));
  }
  Shards open() const { return {folder_, Split::train}; }

  ScratchFolder scratch_;
  std::filesystem::path folder_;
};

TEST_F(DamagedShards, NoFolderNoCorpus) {
  EXPECT_REFUSED(Shards(scratch_.path() / "gone", Split::train), ErrorKind::not_found, "nestor data");
  EXPECT_REFUSED(Shards(scratch_.path(), Split::train), ErrorKind::bad_input, "corpus.json");
  EXPECT_TRUE(corpus::is_corpus(folder_));
  EXPECT_FALSE(corpus::is_corpus(scratch_.path()));
}

TEST_F(DamagedShards, FilesOfAnotherSize) {
  write_file(folder_ / "train-00000.ids", std::string(9, '\2'));
  EXPECT_REFUSED(open(), ErrorKind::bad_input, "train-00000.ids: 9 bytes, but corpus.json says 10");
  std::filesystem::remove(folder_ / "train-00000.ids");
  EXPECT_REFUSED(open(), ErrorKind::not_found, "train-00000.ids");
  write_file(folder_ / "train.docs", "");
  EXPECT_REFUSED(open(), ErrorKind::bad_input, "train.docs: 0 bytes, but corpus.json says 16");
}

TEST_F(DamagedShards, IdsOutsideTheVocabulary) {
  const std::string ids("\5\0\6\0\1\0\12\0\1\0", 10);  // the fourth is 10
  write_file(folder_ / "train-00000.ids", ids);
  const Shards shards = open();
  std::vector<TokenId> three(3), four(4);
  shards.read(0, three);
  EXPECT_REFUSED(shards.read(0, four), ErrorKind::bad_input,
                 "id 10 at place 3, but the vocabulary has 10 ids");
}

TEST_F(DamagedShards, DocumentsOutOfOrder) {
  for (const auto& [first, second] :
       std::vector<std::pair<char, char>>{{1, 3}, {0, 0}, {0, 5}, {0, '\xFF'}}) {
    std::string starts(16, '\0');
    starts[0] = first;
    starts[8] = second;
    if (second == '\xFF') starts.replace(8, 8, std::string(8, '\xFF'));
    write_file(folder_ / "train.docs", starts);
    EXPECT_REFUSED(open(), ErrorKind::bad_input, "starts at token");
  }
}

TEST_F(DamagedShards, ManifestsThatContradictThemselves) {
  const struct {
    std::string pointer;
    Json value;
    std::string message;
  } cases[] = {
      {"/format", "other", "\"format\" must be \"nestor corpus\""},
      {"/vocab_size", 0, "\"vocab_size\" must be a whole number from 1"},
      {"/vocab_size", 70000, "\"id_bytes\" must be a whole number from 4 to 4, found \"2\""},
      {"/eos", 10, "\"eos\" must be a whole number from 0 to 9"},
      {"/eos", -1, "\"eos\" must be"},
      {"/eos", "x", "\"eos\" must be"},
      {"/tokens_per_file", 0, "\"tokens_per_file\" must be"},
      {"/splits/train/tokens", -5, "\"tokens\" must be"},
      {"/splits/train/tokens", std::uint64_t{1} << 63, "\"tokens\" must be"},
      {"/splits/train/tokens", std::int64_t{1} << 47, "more than 100000 files"},
      {"/splits/train/documents", 6, "\"documents\" must be a whole number from 1 to 5"},
      {"/splits/train/documents", 0, "\"documents\" must be a whole number from 1 to 5"},
      {"/splits/train", 3, "expected an object, found an integer"},
      {"/heldout_fraction", 1.5, "\"heldout_fraction\" must be a number from 0 to 1"},
      {"/sources", "x", "\"sources\" must be a list"},
      {"/sources", Json::array({1}), "\"sources\" must hold strings"},
      {"/removed/more", 1, "unknown key \"more\""},
      {"/colour", 1, "unknown key \"colour\""},
  };
  const std::string good = read_file(folder_ / "corpus.json", 1 << 20);
  for (const auto& c : cases) {
    write_file(folder_ / "corpus.json", good);
    edit(c.pointer, c.value);
    EXPECT_REFUSED(open(), ErrorKind::bad_input, c.message);
  }
  write_file(folder_ / "corpus.json", good);
  edit("/version", 2);
  EXPECT_REFUSED(open(), ErrorKind::unsupported, "version 2");
  write_file(folder_ / "corpus.json", "{");
  EXPECT_REFUSED(open(), ErrorKind::bad_input, "corpus.json");
  write_file(folder_ / "corpus.json", "{\"format\": \"nestor corpus\"}");
  EXPECT_REFUSED(open(), ErrorKind::bad_input, "the key \"version\" is missing");
}

TEST_F(DamagedShards, MisuseIsNamed) {
  const Shards shards = open();
  std::vector<TokenId> two(2);
  EXPECT_REFUSED(shards.read(4, two), ErrorKind::usage, "tokens 4 to 6 asked of a split of 5");
  EXPECT_REFUSED(shards.read(-1, two), ErrorKind::usage, "tokens -1");
  EXPECT_REFUSED(shards.document_start(3), ErrorKind::usage, "document 3");
}

// Whatever byte changes is noticed before an id of its block is handed out; what lies in other blocks is
// read.
class ShardsChecked : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(ShardsChecked, AnyChangedByteIsFound) {
  const ScratchFolder scratch;
  TinyCorpus corpus{.vocab_size = 70000, .tokens_per_file = GetParam()};
  for (int d = 0; d < 40; ++d) corpus.train.emplace_back(1000 + 17 * d, d + 2);
  const auto folder = write_tiny(scratch.path() / "corpus", corpus);
  const std::vector<TokenId> all = all_of(Shards(folder, Split::train));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("train")) continue;
    ++files;
    const std::string good = read_file(entry.path(), 1 << 20);
    for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 7) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 4);
      write_file(entry.path(), bad);
      const auto refusal = refusal_of([&] { all_of(Shards(folder, Split::train)); });
      ASSERT_TRUE(refusal) << name << " at " << at;
      EXPECT_NE(refusal->message.find(name), std::string::npos) << refusal->message;
      EXPECT_NE(refusal->message.find("pack it again"), std::string::npos) << refusal->message;
    }
    write_file(entry.path(), good);
  }
  EXPECT_GE(files, 3);
  EXPECT_EQ(all_of(Shards(folder, Split::train)), all);
}

INSTANTIATE_TEST_SUITE_P(All, ShardsChecked, ::testing::Values(1000, 16384, 20000, 1 << 20));

TEST(ShardsChecked, OtherBlocksAreRead) {
  const ScratchFolder scratch;
  TinyCorpus corpus;
  corpus.train.emplace_back(100000, 5);
  const auto folder = write_tiny(scratch.path() / "corpus", corpus);
  std::string ids = read_file(folder / "train-00000.ids", 1 << 20);
  ids[100000] ^= 1;  // byte 100000 is of id 50000 and of the second block of 32768 ids
  write_file(folder / "train-00000.ids", ids);
  const Shards shards(folder, Split::train);
  std::vector<TokenId> one(1);
  for (const std::int64_t good : {0, 32767, 65536, 100000}) shards.read(good, one);
  for (const std::int64_t bad : {32768, 49999, 50000, 65535}) {
    EXPECT_REFUSED(shards.read(bad, one), ErrorKind::bad_input,
                   "train-00000.ids: damaged between bytes 65536 and 131072");
  }
}

TEST(Manifest, AFlippedBitIsFound) {
  const ScratchFolder scratch;
  const auto folder = write_tiny(scratch.path() / "corpus", {.train = {{5}}});
  const Json manifest = to_json(corpus::parse_manifest(read_file(folder / "corpus.json", 1 << 20), "x"));
  const std::string good = to_text(with_checksum(manifest), 2);
  EXPECT_NO_THROW(corpus::parse_manifest(good, "x"));
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 1;
    const auto refusal = refusal_of([&] {
      EXPECT_EQ(to_json(corpus::parse_manifest(bad, "x")), manifest) << bad;
    });  // spaces may be tabs
    if (!refusal) continue;
    EXPECT_TRUE(refusal->kind == ErrorKind::bad_input || refusal->kind == ErrorKind::unsupported) << bad;
    const char* advice = refusal->kind == ErrorKind::bad_input ? "pack it again" : "pack the corpus again";
    EXPECT_NE(refusal->message.find(advice), std::string::npos) << refusal->message;
  }
}

TEST(Manifest, SurvivesTheRoundTrip) {
  corpus::Manifest m;
  m.tokenizer = "abc";
  m.vocab_size = 70000;
  m.eos = 69999;
  m.id_bytes = 4;
  m.tokens_per_file = 77;
  m.train = {3, 500, 900};
  m.heldout = {1, 20, 30, 0xFFFFFFFFU};
  m.heldout_fraction = 0.025;
  m.removed = {1, 2, 3, 4, 5};
  m.sources = {"a b", "-"};
  EXPECT_EQ(corpus::parse_manifest(to_text(to_json(m), 2), "text"), m);
}

TEST(ShardWriter, LeavesNoHalfFile) {
  const ScratchFolder scratch;
  {
    corpus::ShardWriter writer(scratch.path(), Split::train, 2, 100);
    writer.add(std::vector<TokenId>{5, 1}, 3);
    EXPECT_REFUSED(writer.add(std::vector<TokenId>{70000}, 3), ErrorKind::internal, "70000");
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

}  // namespace
}  // namespace nestor::testing
