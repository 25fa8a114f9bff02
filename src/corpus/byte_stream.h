// Bytes one after the other: what reads a file, what unpacks it and what decodes its text are of this kind.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace nestor::corpus {

class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  /// Fills the beginning of `out`, which is not empty; 0 at the end.
  virtual std::size_t read(std::span<char> out) = 0;
};

/// A stream whose next bytes can be looked at. `from` must outlive it.
class PeekedStream : public ByteStream {
 public:
  explicit PeekedStream(ByteStream& from) : from_(from) {}

  /// The next `bytes` bytes, fewer at the end only.
  std::string_view peek(std::size_t bytes) {
    while (buffer_.size() - begin_ < bytes) {
      const std::size_t have = buffer_.size();
      buffer_.resize(have + kPiece);
      const std::size_t n = from_.read(std::span(buffer_).subspan(have));
      buffer_.resize(have + n);
      if (n == 0) break;
    }
    const std::string_view all(buffer_.data(), buffer_.size());
    return all.substr(begin_, bytes);
  }

  std::size_t read(std::span<char> out) override {
    if (begin_ == buffer_.size()) return from_.read(out);
    const std::size_t n = std::min(out.size(), buffer_.size() - begin_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), n, out.begin());
    begin_ += n;
    return n;
  }

 private:
  static constexpr std::size_t kPiece = 4096;

  ByteStream& from_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
};

}  // namespace nestor::corpus
