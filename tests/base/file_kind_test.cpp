#include "base/file_kind.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "support/refusal.h"

namespace nestor {
namespace {

using namespace std::string_literals;

TEST(FileKind, IsKnownByTheFirstBytes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4\n", "git-lfs pointer"},
      {"<!DOCTYPE html>\n<html>", "web page"},
      {"\n  <HTML lang=\"en\">", "web page"},
      {"\xEF\xBB\xBF<!doctype HTML>", "web page"},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "XML"},
      {"GGUF\3\0\0\0"s, "GGUF"},
      {"PK\x03\x04\x14\0\0\0"s, "zip"},
      {"\x80\x02}q\x01."s, "pickle"},
      {"\x80\x04\x95\x0f"s, "pickle"},
      {"PAR1\x15\x00\x15\x02"s, "Parquet"},
      {"ARROW1\0\0\xff\xff"s, "Arrow"},
      {"\xff\xff\xff\xff\x10\0\0\0"s, "Arrow"},
      {"\x1f\x8b\x08\0"s, "gzip"},
      {"BZh91AY&SY\x01\x02"s, "bzip2"},
      {"\x28\xb5\x2f\xfd\x04"s, "Zstandard"},
      {"\xfd"
       "7zXZ\0\0"s,
       "xz"},
      {std::string(257, 'a') + "ustar\0"s, "tar"},
      {"%PDF-1.7\n1 0 obj", "PDF"},
      {"SQLite format 3\0"s, "SQLite"},
      {"\x93NUMPY\x01\0"s, "NumPy"},
      {"\x89HDF\r\n\x1a\n"s, "HDF5"},
      {"MMIDIDX\0\0"s, "Megatron"},
      {"\x7f"
       "ELF\x02\x01\x01\0"s,
       "program"},
  };
  for (const auto& [bytes, name] : cases) {
    const FileKind* kind = file_kind(bytes);
    ASSERT_NE(kind, nullptr) << name;
    EXPECT_NE(kind->name.find(name), std::string_view::npos) << kind->name;
    EXPECT_FALSE(kind->advice.empty());
  }
}

TEST(FileKind, TextThatBeginsLikeAMagicIsText) {
  const std::string long_text =
      "GGUF " + std::string(kKindBytes - 6, 'x') + "\xC3\xA9";  // cut inside a character
  for (const std::string& text :
       {""s, "{"s, "ORC and elf"s, "GGUF is a format"s, "BZh, said the bee"s, "PK\tPAR1\r\n"s, "version 2"s,
        "< a"s, "LZIP \xC3\xA9t\xC3\xA9"s, long_text}) {
    EXPECT_EQ(file_kind(text), nullptr) << text;
  }
}

TEST(FileKind, JsonThatIsSomethingElseIsNamed) {
  EXPECT_REFUSED(parse_json("<!DOCTYPE html>", "config.json"), ErrorKind::bad_input,
                 "config.json: expected JSON, found a web page");
  EXPECT_REFUSED(parse_json("version https://git-lfs.github.com/spec/v1", "x"), ErrorKind::bad_input,
                 "git lfs pull");
  EXPECT_REFUSED(parse_json("PK\x03\x04\x14\0"s, "x"), ErrorKind::bad_input, "zip");
}

}  // namespace
}  // namespace nestor
