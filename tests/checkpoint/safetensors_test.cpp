// Damaged and lying safetensors files: each one is refused with a message that says what is wrong, or it is
// a file.
#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include "checkpoint/file_text.h"
#include "support/refusal.h"

namespace nestor::checkpoint {
namespace {

using testing::file_text;
using testing::with_length;

std::vector<TensorEntry> parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), bytes.size(), "x.safetensors");
}

const std::string kHeader =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},)"
    R"("b":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]},"c":{"dtype":"U8","shape":[0,7],"data_offsets":[32,32]}})";

TEST(Safetensors, AnHonestFileIsReadInTheOrderOfItsHeader) {
  const auto entries = parse(file_text(kHeader, 32));
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].dtype, DType::f32);
  EXPECT_EQ(entries[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(entries[0].begin, 8 + kHeader.size() + 8);
  EXPECT_EQ(entries[0].bytes, 24U);
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_EQ(entries[1].begin, 8 + kHeader.size());
  EXPECT_EQ(entries[2].bytes, 0U);
}

TEST(Safetensors, ScalarsEmptyFilesAndPaddedHeadersAreFine) {
  EXPECT_EQ(parse(file_text(R"({"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})", 8))[0].bytes, 8U);
  EXPECT_TRUE(parse(file_text("{}", 0)).empty());
  EXPECT_TRUE(parse(file_text("{}      ", 0)).empty());
}

TEST(Safetensors, TruncatedAnywhereIsRefused) {
  const std::string whole = file_text(kHeader, 32);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    SCOPED_TRACE(n);
    EXPECT_REFUSED(parse(whole.substr(0, n)), ErrorKind::bad_input, "x.safetensors");
  }
}

TEST(Safetensors, AHeaderLengthThatLiesIsRefused) {
  const std::string body(64, 'x');
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, kHeader.size() - 1, kHeader.size() + 1, kHeader.size() + 65,
        kMostHeaderBytes, kMostHeaderBytes + 1, std::uint64_t{1} << 32, std::uint64_t{1} << 63,
        UINT64_MAX - 7, UINT64_MAX}) {
    SCOPED_TRACE(length);
    EXPECT_REFUSED(parse(with_length(length, kHeader, body)), ErrorKind::bad_input, "header");
  }
  // A header of exactly the rest of the file is a header without a body.
  EXPECT_REFUSED(parse(with_length(kHeader.size(), kHeader, "")), ErrorKind::bad_input, "truncated");
}

TEST(Safetensors, AHeaderThatSomeoneForgotToReadIsOurBug) {
  const std::string whole = file_text(kHeader, 32);
  EXPECT_REFUSED(parse_safetensors(std::as_bytes(std::span(whole)).first(20), whole.size(), "x"),
                 ErrorKind::internal, "not read whole");
}

TEST(Safetensors, EveryFlippedBitLoadsOrIsRefused) {
  const std::string whole = file_text(kHeader, 32);
  std::size_t loaded = 0;
  for (std::size_t i = 0; i < (8 + kHeader.size()) * 8; ++i) {
    std::string damaged = whole;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
    std::vector<TensorEntry> entries;
    const auto refusal = testing::refusal_of([&] { entries = parse(damaged); });
    if (refusal) {
      EXPECT_EQ(refusal->kind, ErrorKind::bad_input) << refusal->message;
      continue;
    }
    ++loaded;  // a letter of a name or of the metadata
    std::uint64_t covered = 0;
    for (const TensorEntry& t : entries) {
      covered += t.bytes;
      EXPECT_LE(t.begin + t.bytes, damaged.size());
    }
    EXPECT_EQ(covered, 32U) << damaged;
  }
  EXPECT_GT(loaded, 0U);
  EXPECT_LT(loaded, 8 * kHeader.size() / 2);
}

struct BadHeader {
  const char* what;
  std::string header;
  std::size_t body;
  const char* fragment;
};

std::string tensor(const std::string& fields) { return "{\"t\":{" + fields + "}}"; }

std::string sized(const std::string& shape, const std::string& offsets) {
  return tensor(R"("dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets);
}

TEST(Safetensors, EveryLieOfAHeaderIsNamed) {
  const std::string a = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  const auto b_at = [&](const char* offsets) {
    return "{" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":)" + offsets + "}}";
  };
  const std::vector<BadHeader> cases = {
      {"no JSON", "not json", 0, "header"},
      {"invalid UTF-8", "{\"\xff\":1}", 0, "header"},
      {"two documents", "{}{}", 0, "header"},
      {"a list", "[]", 0, "must be an object, found"},
      {"a number", "12", 0, "must be an object, found"},
      {"null", "null", 0, "must be an object, found"},
      {"deep nesting", std::string(100000, '['), 0, "nested deeper"},
      {"a key twice", "{" + a + "," + a + "}", 4, "occurs twice"},
      {"an entry that is no object", R"({"t":[1,2]})", 0, "\"t\" is not a tensor"},
      {"a name of a mebibyte", "{\"" + std::string(1 << 20, 'n') + "\":{}}", 0, "is not a tensor"},
      {"no dtype", tensor(R"("shape":[1],"data_offsets":[0,4])"), 4, "has no dtype"},
      {"no shape", tensor(R"("dtype":"F32","data_offsets":[0,4])"), 4, "has no shape"},
      {"no offsets", tensor(R"("dtype":"F32","shape":[1])"), 4, "has no data_offsets"},
      {"unknown dtype", tensor(R"("dtype":"F33","shape":[1],"data_offsets":[0,4])"), 4, "unknown dtype"},
      {"lower case", tensor(R"("dtype":"f32","shape":[1],"data_offsets":[0,4])"), 4, "unknown dtype"},
      {"dtype null", tensor(R"("dtype":null,"shape":[1],"data_offsets":[0,4])"), 4, "unknown dtype"},
      {"dtype number", tensor(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), 4, "unknown dtype"},
      {"a dtype of a mebibyte", tensor("\"dtype\":\"" + std::string(1 << 20, 'F') + R"(","shape":[])"), 0,
       "dtype"},
      {"a size of a mebibyte", sized("[\"" + std::string(1 << 20, '1') + "\"]", "[0,4]"), 4, "whole numbers"},
      {"extra field", tensor(R"("dtype":"U8","shape":[1],"data_offsets":[0,1],"q":0)"), 1, "unknown field"},
      {"shape number", sized("1", "[0,4]"), 4, "shape must be a list"},
      {"shape string", sized("\"1\"", "[0,4]"), 4, "shape must be a list"},
      {"negative size", sized("[-1]", "[0,4]"), 4, "whole numbers of 0 or more, found -1"},
      {"two negative sizes", sized("[-1,-1]", "[0,4]"), 4, "whole numbers"},
      {"size 1.0", sized("[1.0]", "[0,4]"), 4, "whole numbers"},
      {"size 1.5", sized("[1.5]", "[0,4]"), 4, "whole numbers"},
      {"size true", sized("[true]", "[0,4]"), 4, "whole numbers"},
      {"size null", sized("[null]", "[0,4]"), 4, "whole numbers"},
      {"size beyond 64 bits", sized("[18446744073709551616]", "[0,4]"), 4, "whole numbers"},
      {"size 2^63", sized("[9223372036854775808]", "[0,4]"), 4, "absurd"},
      {"product overflows", sized("[4294967296,4294967296]", "[0,4]"), 4, "overflows"},
      {"product overflows to 4", sized("[4611686018427387905]", "[0,4]"), 4, "overflows"},
      {"nine dimensions", sized("[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "at most 8 sizes"},
      {"too few bytes", sized("[2]", "[0,4]"), 4, "4 bytes for F32 [2], expected 8"},
      {"too many bytes", sized("[1]", "[0,8]"), 8, "8 bytes for F32 [1], expected 4"},
      {"offsets backwards", sized("[1]", "[4,0]"), 4, "claims bytes 4 to 0"},
      {"offsets behind the end", sized("[1]", "[4,8]"), 4, "claims bytes 4 to 8 of 4"},
      {"one offset", sized("[1]", "[0]"), 4, "[begin, end]"},
      {"three offsets", sized("[1]", "[0,4,4]"), 4, "[begin, end]"},
      {"offsets object", sized("[1]", R"({"begin":0,"end":4})"), 4, "[begin, end]"},
      {"negative offset", sized("[1]", "[-4,0]"), 4, "whole numbers"},
      {"offset 2^64 - 4", sized("[1]", "[18446744073709551612,18446744073709551615]"), 4, "claims bytes"},
      {"overlap", b_at("[3,7]"), 7, "overlap"},
      {"the same bytes twice", b_at("[0,4]"), 4, "overlap"},
      {"a gap", b_at("[5,9]"), 9, "leave a gap"},
      {"a gap at the start", sized("[1]", "[4,8]"), 8, "leave a gap"},
      {"bytes behind the last tensor", b_at("[4,8]"), 9, "1 bytes after the last tensor"},
      {"bytes without a tensor", "{}", 3, "3 bytes after the last tensor"},
  };
  for (const BadHeader& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_REFUSED(parse(file_text(c.header, c.body)), ErrorKind::bad_input, c.fragment);
    const auto refusal = testing::refusal_of([&] { parse(file_text(c.header, c.body)); });
    EXPECT_LT(refusal->message.size(), 500U) << "a message is for reading";
  }
}

}  // namespace
}  // namespace nestor::checkpoint
