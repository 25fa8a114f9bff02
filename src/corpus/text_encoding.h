// UTF-16 and UTF-32 as UTF-8: told by a byte order mark, or by where their zeros are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "corpus/byte_stream.h"

namespace nestor::corpus {

struct WideEncoding {
  std::size_t unit_bytes = 2;  // 2: UTF-16, 4: UTF-32
  bool big_endian = false;
  std::size_t mark_bytes = 0;  // of the byte order mark

  bool operator==(const WideEncoding&) const = default;
};

/// How many bytes at the beginning of a text tell its encoding.
inline constexpr std::size_t kEncodingHead = 4096;

/// The encoding of a text that begins so, or nothing for UTF-8 and whatever else. Without a mark a text is
/// UTF-32 if every four bytes are a character, and UTF-16 if zeros are where ASCII has them and hardly
/// elsewhere, and it has many of them, or as UTF-8 it would be ill-formed or full of control characters.
std::optional<WideEncoding> wide_encoding(std::string_view head);

/// The UTF-8 of a text; its mark is dropped. `from` must outlive it. Reading throws Error(bad_input) with
/// `name` and the byte where the text is ill-formed.
class Utf8Stream : public ByteStream {
 public:
  Utf8Stream(ByteStream& from, const WideEncoding& encoding, std::string name)
      : from_(from), encoding_(encoding), name_(std::move(name)) {}

  std::size_t read(std::span<char> out) override;

 private:
  void more();
  std::uint32_t unit(std::size_t at) const;

  ByteStream& from_;
  WideEncoding encoding_;
  std::string name_;
  std::string wide_;  // not decoded yet
  std::string text_;  // decoded
  std::size_t given_ = 0;
  std::uint64_t position_ = 0;  // of wide_ in the text
  bool at_end_ = false;
};

}  // namespace nestor::corpus
