#include "base/file_kind.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace nestor {
namespace {

using namespace std::string_view_literals;
using enum FileKind::Content;

struct Magic {
  std::size_t at;
  std::string_view bytes;
  FileKind kind;
};

constexpr std::string_view kUnpack = "unpack it and name what is inside";
constexpr std::string_view kExport = "export it as text or JSON lines";
constexpr std::string_view kPickle =
    "a pickle may run programs when it is opened; save the model as safetensors "
    "(save_pretrained of transformers)";

constexpr std::array kMagics = {
    Magic{0,
          "version https://git-lfs.github.com/"sv,
          {pointer, "a git-lfs pointer, not the file itself", "fetch the file with git lfs pull"}},
    Magic{0, "GGUF"sv, {binary, "a GGUF file", "take the original checkpoint in safetensors"}},
    Magic{0, "PAR1"sv, {binary, "a Parquet file", "docs/data.md has the line of Python that pipes it in"}},
    Magic{0, "ARROW1\0"sv, {binary, "an Arrow file", "docs/data.md has the line of Python that pipes it in"}},
    Magic{0, "ORC"sv, {binary, "an ORC file", kExport}},
    Magic{0, "Obj\x01"sv, {binary, "an Avro file", kExport}},
    Magic{0, "SQLite format 3\0"sv, {binary, "an SQLite database", kExport}},
    Magic{0, "\x89HDF\r\n"sv, {binary, "an HDF5 file", kExport}},
    Magic{0, "\x93NUMPY"sv, {binary, "a NumPy array", kExport}},
    Magic{0, "%PDF-"sv, {binary, "a PDF document", "export it as text (pdftotext)"}},
    Magic{0, "\xD0\xCF\x11\xE0"sv, {binary, "an old Office document", kExport}},
    Magic{0, "MMIDIDX\0"sv, {binary, "the index of Megatron shards", "nestor data reads it"}},
    Magic{0, "TNTIDX\0"sv, {binary, "the index of fairseq shards", kExport}},
    Magic{0, "PK\x03\x04"sv, {binary, "a zip archive (or a pickle of PyTorch, which is one)", kUnpack}},
    Magic{0, "PK\x05\x06"sv, {binary, "an empty zip archive", kUnpack}},
    Magic{0, "7z\xBC\xAF\x27\x1C"sv, {binary, "a 7-Zip archive", kUnpack}},
    Magic{0, "Rar!\x1A"sv, {binary, "a RAR archive", kUnpack}},
    Magic{257, "ustar"sv, {binary, "a tar archive", kUnpack}},
    Magic{0, "\x1F\x8B"sv, {binary, "a gzip file", kUnpack}},
    Magic{0, "BZh"sv, {binary, "a bzip2 file", kUnpack}},
    Magic{0, "\x28\xB5\x2F\xFD"sv, {binary, "a Zstandard file", kUnpack}},
    Magic{0, "\xFD\x37zXZ\0"sv, {binary, "an xz file", kUnpack}},
    Magic{0, "\x04\x22\x4D\x18"sv, {binary, "an LZ4 file", kUnpack}},
    Magic{0, "\x1F\x9D"sv, {binary, "a file of compress (.Z)", kUnpack}},
    Magic{0, "LZIP"sv, {binary, "an lzip file", kUnpack}},
    Magic{0, "\x5D\x00\x00"sv, {binary, "an .lzma file", kUnpack}},
    Magic{0, "\xFF\x06\0\0sNaPpY"sv, {binary, "a Snappy file", kUnpack}},
    Magic{0, "\x80\x02"sv, {binary, "a pickle", kPickle}},
    Magic{0, "\x80\x03"sv, {binary, "a pickle", kPickle}},
    Magic{0, "\x80\x04"sv, {binary, "a pickle", kPickle}},
    Magic{0, "\x80\x05"sv, {binary, "a pickle", kPickle}},
    Magic{0, "\x89PNG\r\n"sv, {binary, "a picture (PNG)", kExport}},
    Magic{0, "\xFF\xD8\xFF"sv, {binary, "a picture (JPEG)", kExport}},
    Magic{0, "GIF8"sv, {binary, "a picture (GIF)", kExport}},
    Magic{0,
          "\x7F"
          "ELF"sv,
          {binary, "a program", kExport}},
};

constexpr FileKind kArrowStream = {binary, "a stream of Arrow",
                                   "docs/data.md has the line of Python that pipes it in"};
constexpr FileKind kPage = {page, "a web page, not the file",
                            "the download saved an error or a login page; download it again"};
constexpr FileKind kXml = {page, "an XML document, not the file",
                           "the download may have saved an error message; download it again"};

// A text may begin with the letters of a magic: "ORC and elf".
bool is_text(std::string_view head) {
  for (std::size_t at = 0; at < head.size();) {
    const auto c = static_cast<unsigned char>(head[at]);
    if (c < 0x20 && (c < '\t' || c > '\r') && c != 0x1B) return false;
    const Utf8Char character = decode_utf8(head, at);
    if (!character.valid)
      return head.size() >= kKindBytes && at + unfinished_utf8_suffix(head) == head.size();
    at += character.length;
  }
  return true;
}

bool begins_with(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
}

// A mark of four bytes, then a size that is far below 16 MiB.
bool is_arrow_stream(std::string_view head) {
  return head.starts_with("\xFF\xFF\xFF\xFF"sv) && head.size() >= 8 && head[7] == '\0';
}

const FileKind* page_kind(std::string_view head) {
  const std::size_t begin = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const std::string_view text = head.substr(std::min(begin, head.size()));
  if (begins_with(text, "<!doctype html") || begins_with(text, "<html") || begins_with(text, "<head")) {
    return &kPage;
  }
  return begins_with(text, "<?xml") ? &kXml : nullptr;
}

}  // namespace

const FileKind* file_kind(std::string_view head) {
  head = head.substr(0, kKindBytes);
  for (const Magic& magic : kMagics) {
    if (head.size() < magic.at || !head.substr(magic.at).starts_with(magic.bytes)) continue;
    if (magic.kind.content == binary && !magic.bytes.starts_with("%PDF") && is_text(head)) continue;
    return &magic.kind;
  }
  return is_arrow_stream(head) ? &kArrowStream : page_kind(head);
}

}  // namespace nestor
