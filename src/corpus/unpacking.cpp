#include "corpus/unpacking.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <array>

#include "base/error.h"

namespace nestor::corpus {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;
constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 30;
constexpr int kMostWindowLog = 30;  // of Zstandard: the same

// One packed file after the other. The formats say how a step is made.
class Unpacker : public ByteStream {
 public:
  Unpacker(ByteStream& from, std::string name, std::string_view format)
      : from_(from), name_(std::move(name)), format_(format) {}

  std::size_t read(std::span<char> out) final {
    std::span<char> left = out;
    while (!finished_ && left.size() == out.size()) {
      if (unread_.empty() && !at_end_) refill();
      if (between_ && consumed_ > unread_.size()) skip_padding();
      if (between_ && unread_.empty()) {
        if (at_end_) break;
        continue;
      }
      const std::size_t before = unread_.size();
      if (between_) begin();
      between_ = step(unread_, left);
      const bool stuck = unread_.size() == before && left.size() == out.size() && !between_;
      if (stuck && at_end_) {
        fail(ErrorKind::bad_input, "{}: the {} file ends too early, after {} bytes", name_, format_,
             consumed_);
      }
    }
    finished_ = finished_ || (left.size() == out.size());
    return out.size() - left.size();
  }

 protected:
  /// Gets ready for the next packed file.
  virtual void begin() = 0;
  /// Takes from `in`, gives to `out` and moves their beginnings. True at the end of a packed file.
  virtual bool step(std::span<char>& in, std::span<char>& out) = 0;

  [[noreturn]] void fail_damaged() const {
    fail(ErrorKind::bad_input, "{}: damaged {} file near byte {}", name_, format_,
         consumed_ - unread_.size());
  }
  [[noreturn]] void fail_memory() const {
    fail(ErrorKind::limit, "{}: needs more than {} MiB of memory to unpack", name_, kMostMemory >> 20);
  }

 private:
  // Zeros may stand after a packed file.
  void skip_padding() {
    while (!unread_.empty() && unread_.front() == '\0') unread_ = unread_.subspan(1);
  }

  void refill() {
    const std::size_t n = from_.read(buffer_);
    at_end_ = n == 0;
    consumed_ += n;
    unread_ = std::span(buffer_).first(n);
  }

  ByteStream& from_;
  std::string name_;
  std::string_view format_;
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
  std::span<char> unread_;
  std::uint64_t consumed_ = 0;
  bool at_end_ = false;  // of what is packed
  bool between_ = true;  // two packed files, or before the first
  bool finished_ = false;
};

template <typename Stream>
void set(Stream& stream, std::span<char> in, std::span<char> out) {
  stream.next_in = reinterpret_cast<decltype(stream.next_in)>(in.data());
  stream.avail_in = static_cast<decltype(stream.avail_in)>(in.size());
  stream.next_out = reinterpret_cast<decltype(stream.next_out)>(out.data());
  stream.avail_out = static_cast<decltype(stream.avail_out)>(std::min<std::size_t>(out.size(), kBufferBytes));
}

template <typename Stream>
void move(const Stream& stream, std::span<char>& in, std::span<char>& out) {
  in = in.last(static_cast<std::size_t>(stream.avail_in));
  const std::size_t given =
      std::min<std::size_t>(out.size(), kBufferBytes) - static_cast<std::size_t>(stream.avail_out);
  out = out.subspan(given);
}

class Xz : public Unpacker {
 public:
  Xz(ByteStream& from, const std::string& name) : Unpacker(from, name, ".xz") {}
  ~Xz() override { lzma_end(&stream_); }

 private:
  void begin() override {
    if (lzma_stream_decoder(&stream_, kMostMemory, 0) != LZMA_OK) fail_memory();
  }
  bool step(std::span<char>& in, std::span<char>& out) override {
    set(stream_, in, out);
    const lzma_ret result = lzma_code(&stream_, LZMA_RUN);
    move(stream_, in, out);
    if (result == LZMA_MEMLIMIT_ERROR || result == LZMA_MEM_ERROR) fail_memory();
    if (result != LZMA_OK && result != LZMA_BUF_ERROR && result != LZMA_STREAM_END) fail_damaged();
    return result == LZMA_STREAM_END;
  }
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class Gzip : public Unpacker {
 public:
  Gzip(ByteStream& from, const std::string& name) : Unpacker(from, name, ".gz") {}
  ~Gzip() override { inflateEnd(&stream_); }

 private:
  void begin() override {
    constexpr int kGzipOnly = 16 + 15;
    inflateEnd(&stream_);
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) fail_memory();
  }
  bool step(std::span<char>& in, std::span<char>& out) override {
    set(stream_, in, out);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    move(stream_, in, out);
    if (result == Z_MEM_ERROR) fail_memory();
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) fail_damaged();
    return result == Z_STREAM_END;
  }
  z_stream stream_{};
};

class Bzip2 : public Unpacker {
 public:
  Bzip2(ByteStream& from, const std::string& name) : Unpacker(from, name, ".bz2") {}
  ~Bzip2() override { BZ2_bzDecompressEnd(&stream_); }

 private:
  void begin() override {
    BZ2_bzDecompressEnd(&stream_);
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) fail_memory();
  }
  bool step(std::span<char>& in, std::span<char>& out) override {
    set(stream_, in, out);
    const int result = BZ2_bzDecompress(&stream_);
    move(stream_, in, out);
    if (result == BZ_MEM_ERROR) fail_memory();
    if (result != BZ_OK && result != BZ_STREAM_END) fail_damaged();
    return result == BZ_STREAM_END;
  }
  bz_stream stream_{};
};

class Zstandard : public Unpacker {
 public:
  Zstandard(ByteStream& from, const std::string& name)
      : Unpacker(from, name, ".zst"), context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) fail_memory();
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMostWindowLog);
  }
  ~Zstandard() override { ZSTD_freeDCtx(context_); }

 private:
  void begin() override {}
  bool step(std::span<char>& in, std::span<char>& out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_, &to, &from);
    in = in.subspan(from.pos);
    out = out.subspan(to.pos);
    if (ZSTD_isError(result) != 0) {
      const std::string_view reason = ZSTD_getErrorName(result);
      if (reason.find("memory") != reason.npos) fail_memory();
      fail_damaged();
    }
    return result == 0;
  }
  ZSTD_DCtx* context_;
};

template <typename T>
std::unique_ptr<ByteStream> make(ByteStream& from, const std::string& name) {
  return std::make_unique<T>(from, name);
}

struct Format {
  std::string_view magic;
  std::array<std::string_view, 2> endings;
  std::unique_ptr<ByteStream> (*unpacker)(ByteStream&, const std::string&);
};

constexpr std::array kFormats = {Format{"\xFD\x37zXZ\0"sv, {".xz", ".xz"}, make<Xz>},
                                 Format{"\x1F\x8B\x08"sv, {".gz", ".gzip"}, make<Gzip>},
                                 Format{"BZh"sv, {".bz2", ".bz"}, make<Bzip2>},
                                 Format{"\x28\xB5\x2F\xFD"sv, {".zst", ".zstd"}, make<Zstandard>}};

// After "BZh" a level and the first block, or the end of an empty file: a text may begin with these letters.
bool is_bzip2(std::string_view head) {
  const std::string_view block = head.substr(std::min<std::size_t>(head.size(), 4));
  return "\x31\x41\x59\x26"sv == block.substr(0, 4) || "\x17\x72\x45\x38"sv == block.substr(0, 4);
}

}  // namespace

std::unique_ptr<ByteStream> unpacking(std::string_view head, ByteStream& from, const std::string& name) {
  for (const Format& format : kFormats) {
    if (!head.starts_with(format.magic) || (format.magic == "BZh" && !is_bzip2(head))) continue;
    return format.unpacker(from, name);
  }
  return nullptr;
}

std::string without_packing(const std::string& name) {
  for (const Format& format : kFormats) {
    for (const std::string_view ending : format.endings) {
      if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
    }
  }
  return name;
}

}  // namespace nestor::corpus
