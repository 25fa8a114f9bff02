// UTF-16 and UTF-32 with and without a byte order mark; what is no text, by name.
#include "corpus/text_encoding.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "corpus/byte_source.h"
#include "packed_text.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::testing {
namespace {

using corpus::WideEncoding;
using namespace std::string_literals;

class Encoding : public ::testing::Test {
 protected:
  std::string read(const std::string& bytes) {
    corpus::ByteSource source(scratch_.write("file", bytes).string(), {});
    std::string text;
    std::string piece(777, '\0');
    while (const std::size_t n = source.read(piece)) text.append(piece, 0, n);
    return text;
  }
  ScratchFolder scratch_;
};

const std::vector<WideEncoding> kAll = {{2, false, 0}, {2, true, 0}, {4, false, 0}, {4, true, 0}};

std::vector<std::string> texts() {
  std::string book;
  for (int i = 0; i < 9000; ++i)
    book += fmt::format("line {} of \xE2\x82\xAC \xF0\x9F\xA6\x8A a long text\n", i);
  return {"a plain line of ASCII\n",
          "Gr\xC3\xBC\xC3\x9F"
          "e aus K\xC3\xB6ln\n",
          "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96\xE7\x95\x8C\n\xE5\x86\x8D\xE8\xA7\x81\n",
          "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xD0\xBC\xD0\xB8\xD1\x80\n",
          "\xF0\x9F\xA6\x8A fox\n",
          book};
}

TEST_F(Encoding, WideTextsAreReadWithAndWithoutAMark) {
  for (const std::string& text : texts()) {
    for (const WideEncoding& e : kAll) {
      SCOPED_TRACE(fmt::format("{} {} {}", text.substr(0, 20), e.unit_bytes, e.big_endian));
      EXPECT_EQ(read(wide(text, e)), text);
      EXPECT_EQ(read(wide("\xEF\xBB\xBF" + text, e)), text);
      EXPECT_EQ(read(packed_gz(wide(text, e))), text);
    }
  }
  EXPECT_EQ(read("\xFF\xFE"s), "");
}

TEST_F(Encoding, TextWithZerosStaysAsItIs) {
  for (const std::string& text : {"a\r\n\0b \n\n\f"s, "one\0two\0three\0"s, "x\0"s + std::string(500, 'y'),
                                  ""s, "a"s, "\0"s, "ab"s, "\xE4\xBD\xA0\xE5\xA5\xBD\0\xE4\xBD\xA0"s}) {
    EXPECT_EQ(read(text), text);
    EXPECT_FALSE(corpus::wide_encoding(text));
  }
}

TEST_F(Encoding, IllFormedWideTextIsRefusedWithItsPlace) {
  const auto utf16 = [](std::string_view text) { return wide(text, {2, false, 0}); };
  EXPECT_REFUSED(read("\xFF\xFE" + utf16("abc") + "\x00\xD8"s + utf16("d")), ErrorKind::bad_input,
                 "ill-formed UTF-16 at byte 8");
  EXPECT_REFUSED(read("\xFF\xFE" + utf16("abc") + "\x00\xDC"s), ErrorKind::bad_input,
                 "ill-formed UTF-16 at byte 8");
  EXPECT_REFUSED(read("\xFF\xFE" + utf16("abc") + "\x00\xD8"s), ErrorKind::bad_input,
                 "ill-formed UTF-16 at byte 8");
  EXPECT_REFUSED(read("\xFF\xFE" + utf16("abc") + "d"), ErrorKind::bad_input, "half a character, at byte 8");
  EXPECT_REFUSED(read("\xFF\xFE\0\0"s + "a\0\0\0\0\0\x11\0"s), ErrorKind::bad_input,
                 "ill-formed UTF-32 at byte 8");
  EXPECT_REFUSED(read("\xFF\xFE\0\0"s + "a\0\0\0\x01\0"s), ErrorKind::bad_input,
                 "half a character, at byte 8");
}

TEST_F(Encoding, WhatIsNoTextIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"PK\x03\x04\x14\0\0\0"s, "zip"},
      {"PAR1\x15\0\x15\x02"s, "Parquet"},
      {"ARROW1\0\0"s, "Arrow"},
      {"\xff\xff\xff\xff\x10\x01\0\0"s, "Arrow"},
      {"7z\xbc\xaf\x27\x1c\0\4"s, "7-Zip"},
      {"%PDF-1.4\n%\xE2\xE3"s, "PDF"},
      {"\x89PNG\r\n\x1a\n"s, "PNG"},
      {"\x04\x22\x4d\x18\x64\x40\xa7"s, "LZ4"},
      {std::string("a.txt") + std::string(252, '\0') + "ustar\0"s, "tar"},
      {"MMIDIDX\0\0\1"s, "Megatron"},
      {"version https://git-lfs.github.com/spec/v1\noid", "git-lfs"},
      {"\x01\x02\0\xfe\xff\x80 some unknown thing"s, "binary data"},
  };
  for (const auto& [bytes, name] : cases) {
    EXPECT_REFUSED(read(bytes), ErrorKind::bad_input, name);
    EXPECT_REFUSED(read(packed_gz(bytes)), ErrorKind::bad_input, name);
    EXPECT_REFUSED(read(bytes), ErrorKind::bad_input, "file: expected text");
  }
  EXPECT_EQ(read("<!DOCTYPE html><p>A page is a text."), "<!DOCTYPE html><p>A page is a text.");
  EXPECT_EQ(read("PAR1 is a magic"), "PAR1 is a magic");
}

}  // namespace
}  // namespace nestor::testing
