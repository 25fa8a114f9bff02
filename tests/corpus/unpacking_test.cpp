// Packed files: every format unpacks to the same bytes, and says where it is cut or damaged.
#include "corpus/unpacking.h"

#include <gtest/gtest.h>

#include "corpus/byte_source.h"
#include "packed_text.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::testing {
namespace {

struct Packed {
  const char* ending;
  std::string (*pack)(std::string_view);
};

class Unpacking : public ::testing::TestWithParam<Packed> {
 protected:
  std::string read(const std::string& bytes) {
    corpus::ByteSource source(scratch_.write("file", bytes).string(), {});
    std::string text;
    std::string piece(1000, '\0');
    while (const std::size_t n = source.read(piece)) text.append(piece, 0, n);
    EXPECT_EQ(source.consumed(), bytes.size());
    return text;
  }
  static std::string pack(std::string_view text) { return GetParam().pack(text); }

  // Longer than every buffer, and hard enough to pack that there are many blocks.
  static std::string long_text() {
    std::string text;
    std::uint64_t state = 1;
    while (text.size() < 700'000) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      text += static_cast<char>('a' + (state >> 59));
    }
    return text;
  }

  ScratchFolder scratch_;
};

TEST_P(Unpacking, GivesBackEveryByte) {
  for (const std::string& text :
       {std::string("x"), std::string("two\nlines\n"), long_text(), std::string(5'000'000, 'y')}) {
    EXPECT_EQ(read(pack(text)), text);
  }
  EXPECT_EQ(read(pack("")), "");
}

TEST_P(Unpacking, SeveralAfterEachOtherAreOne) {
  const std::string text = long_text();
  EXPECT_EQ(read(pack("a") + pack("") + pack(text) + pack("z")), "a" + text + "z");
  EXPECT_EQ(read(pack(text) + std::string(8, '\0')), text);  // padding
}

TEST_P(Unpacking, WhatIsCutOrDamagedIsNamed) {
  const std::string whole = pack(long_text());
  const std::string format = GetParam().ending;
  for (const std::size_t size : {std::size_t{10}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_REFUSED(read(whole.substr(0, size)), ErrorKind::bad_input,
                   "the " + format + " file ends too early");
  }
  EXPECT_REFUSED(read(whole + whole.substr(0, whole.size() / 2)), ErrorKind::bad_input, "ends too early");
  EXPECT_REFUSED(read(whole + "garbage after it"), ErrorKind::bad_input, "damaged " + format + " file");
  std::string damaged = whole;
  for (std::size_t at = whole.size() / 2; at < whole.size() / 2 + 64; ++at) damaged[at] ^= 0x5A;
  EXPECT_REFUSED(read(damaged), ErrorKind::bad_input, format);
}

INSTANTIATE_TEST_SUITE_P(Formats, Unpacking,
                         ::testing::Values(Packed{".xz", packed_xz}, Packed{".gz", packed_gz},
                                           Packed{".zst", packed_zst}, Packed{".bz2", packed_bz2}),
                         [](const auto& param) { return std::string(param.param.ending).substr(1); });

TEST(PackedNames, LoseTheirEnding) {
  for (const char* ending : {".xz", ".gz", ".zst", ".bz2", ".zstd"}) {
    EXPECT_EQ(corpus::without_packing(std::string("a.txt") + ending), "a.txt");
  }
  EXPECT_EQ(corpus::without_packing("a.txt"), "a.txt");
}

}  // namespace
}  // namespace nestor::testing
