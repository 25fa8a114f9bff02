// Megatron's shards: by the description of the format (struct of Python), in and out.
#include "corpus/megatron.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "packed_text.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "support/silent_progress.h"

namespace nestor::testing {
namespace {

using corpus::MegatronIndex;
using corpus::parse_megatron_index;
using namespace std::string_literals;

void append(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

// struct.pack("<9sQBQQ", b"MMIDIDX", 1, code, sequences, documents), then int32 lengths, int64 pointers,
// int64 documents.
std::string index_of(int code, const std::vector<std::uint64_t>& lengths,
                     const std::vector<std::uint64_t>& begins, const std::vector<std::uint64_t>& documents) {
  std::string out = "MMIDIDX\0\0"s;
  append(out, 1, 8);
  append(out, static_cast<std::uint64_t>(code), 1);
  append(out, lengths.size(), 8);
  append(out, documents.size(), 8);
  for (const auto n : lengths) append(out, n, 4);
  for (const auto n : begins) append(out, n, 8);
  for (const auto n : documents) append(out, n, 8);
  return out;
}

TEST(Megatron, AnIndexIsChecked) {
  const std::string good = index_of(8, {3, 2}, {0, 6}, {0, 1, 2});
  const MegatronIndex index = parse_megatron_index(good, 10, "x");
  EXPECT_EQ(index.id_bytes, 2);
  EXPECT_EQ(index.documents, (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_REFUSED(parse_megatron_index(good, 9, "x"), ErrorKind::bad_input,
                 "x: sequence 1 has 2 ids from byte 6");
  for (const std::size_t size : {10U, 17U, 30U, 45U, static_cast<unsigned>(good.size()) - 1}) {
    EXPECT_REFUSED(parse_megatron_index(good.substr(0, size), 10, "x"), ErrorKind::bad_input,
                   "ends too early");
  }
  EXPECT_REFUSED(parse_megatron_index(index_of(7, {}, {}, {0}), 0, "x"), ErrorKind::unsupported, "type 7");
  EXPECT_REFUSED(parse_megatron_index("TNTIDX\0\0"s, 0, "x"), ErrorKind::unsupported, "MMIDIDX");
  EXPECT_REFUSED(parse_megatron_index(index_of(8, {1}, {0}, {0}), 2, "x"), ErrorKind::bad_input,
                 "do not divide");
  EXPECT_REFUSED(parse_megatron_index(index_of(8, {1}, {0}, {0, 2}), 2, "x"), ErrorKind::bad_input,
                 "do not divide");
  EXPECT_REFUSED(parse_megatron_index(index_of(8, {1}, {1}, {0, 1}), 9, "x"), ErrorKind::bad_input,
                 "sequence 0");
  EXPECT_REFUSED(parse_megatron_index(index_of(5, {1}, {UINT64_MAX - 7}, {0, 1}), 9, "x"),
                 ErrorKind::bad_input, "sequence 0");
  std::string version = good;
  version[9] = 2;
  EXPECT_REFUSED(parse_megatron_index(version, 10, "x"), ErrorKind::unsupported, "version 2");
  std::string huge = good;
  huge.replace(18, 8, std::string(8, '\x7F'));
  EXPECT_REFUSED(parse_megatron_index(huge, 10, "x"), ErrorKind::bad_input, "ends too early");
}

class MegatronFiles : public ::testing::Test {
 protected:
  std::string write(int code, int bytes, const std::vector<std::vector<TokenId>>& sequences,
                    const std::vector<std::uint64_t>& documents) {
    std::string ids;
    std::vector<std::uint64_t> lengths, begins;
    for (const auto& sequence : sequences) {
      begins.push_back(ids.size());
      lengths.push_back(sequence.size());
      for (const TokenId id : sequence)
        append(ids, static_cast<std::uint64_t>(static_cast<std::int64_t>(id)), bytes);
    }
    scratch_.write("corpus.bin", ids);
    return scratch_.write("corpus.idx", index_of(code, lengths, begins, documents)).string();
  }
  corpus::Manifest pack(const std::string& source, const std::string& out, corpus::OutputFormat format = {}) {
    corpus::PackOptions options;
    options.heldout_fraction = 0;
    options.output = format;
    return corpus::pack(std::vector{source}, small_tokenizer(), options, scratch_.path() / out, progress_,
                        {});
  }
  std::string bytes_of(const std::string& name) { return read_file(scratch_.path() / name, 1 << 20); }

  ScratchFolder scratch_;
  SilentProgress progress_;
};

TEST_F(MegatronFiles, IdsAreTakenAsTheyAreAndGetAnEos) {
  const TokenId eos = small_tokenizer().eos;
  for (const auto& [code, bytes] : {std::pair{8, 2}, {3, 2}, {4, 4}, {5, 8}}) {
    const std::string index =
        write(code, bytes, {{100, 101, 102}, {103, eos}, {104}, {105, 106}}, {0, 1, 2, 4});
    std::filesystem::remove_all(scratch_.path() / "out");
    const auto manifest = pack(index, "out");
    EXPECT_EQ(manifest.train.documents, 3);
    std::string expected;
    for (const TokenId id : {100, 101, 102, eos, 103, eos, 104, 105, 106, eos}) {
      append(expected, static_cast<std::uint64_t>(id), 2);
    }
    EXPECT_EQ(bytes_of("out/train-00000.ids"), expected);
  }
  for (const std::string name : {"corpus.bin", "corpus"}) {
    std::filesystem::remove_all(scratch_.path() / "out");
    EXPECT_EQ(pack((scratch_.path() / name).string(), "out").train.documents, 3);
  }
}

TEST_F(MegatronFiles, IdsOutsideTheVocabularyAreRefused) {
  const auto size = static_cast<TokenId>(small_tokenizer().vocab_size);
  EXPECT_REFUSED(pack(write(4, 4, {{100}, {size}}, {0, 1, 2}), "out"), ErrorKind::bad_input,
                 "in document 1 is outside");
  EXPECT_REFUSED(pack(write(4, 4, {{-1}}, {0, 1}), "out"), ErrorKind::bad_input, "less than 0");
  EXPECT_NO_THROW(pack(write(4, 4, {{size - 1}}, {0, 1}), "out"));
}

TEST_F(MegatronFiles, WhatIsWrittenIsReadAgainToTheSameBytes) {
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += fmt::format("{{\"text\": \"document {} of some words\"}}\n", i * 37);
  const std::string source = scratch_.write("in.jsonl", lines).string();
  pack(source, "packed");
  pack(source, "megatron", corpus::OutputFormat::megatron);
  EXPECT_FALSE(std::filesystem::exists(scratch_.path() / "megatron" / "corpus.json"));
  EXPECT_EQ(bytes_of("megatron/train.bin"), bytes_of("packed/train-00000.ids"));
  pack((scratch_.path() / "megatron" / "train").string(), "again");
  EXPECT_EQ(bytes_of("again/train-00000.ids"), bytes_of("packed/train-00000.ids"));
  EXPECT_EQ(bytes_of("again/train.docs"), bytes_of("packed/train.docs"));
}

TEST_F(MegatronFiles, TheirOtherHalfIsMissed) {
  const std::string index = write(8, 2, {{100}}, {0, 1});
  std::filesystem::remove(scratch_.path() / "corpus.bin");
  EXPECT_REFUSED(pack(index, "out"), ErrorKind::not_found, "corpus.bin");
}

}  // namespace
}  // namespace nestor::testing
