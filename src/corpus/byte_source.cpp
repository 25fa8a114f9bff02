#include "corpus/byte_source.h"

#include <fcntl.h>
#include <lzma.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace nestor::corpus {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;
constexpr std::uint64_t kMostUnpackMemory = std::uint64_t{1} << 30;
constexpr std::string_view kXzMagic(
    "\xFD"
    "7zXZ\0",
    6);
constexpr int kPollMilliseconds = 100;

[[noreturn]] void fail_errno(const char* verb, const std::string& name) {
  const int code = errno;
  const ErrorKind kind = code == ENOENT || code == ENOTDIR ? ErrorKind::not_found : ErrorKind::io;
  fail(kind, "cannot {} {}: {}", verb, name, std::strerror(code));
}

// A descriptor read in pieces.
class Raw {
 public:
  Raw(const std::string& name, const std::stop_token& stop)
      : name_(name),
        stop_(stop),
        own_(name != "-"),
        descriptor_(own_ ? ::open(name.c_str(), O_RDONLY | O_CLOEXEC) : 0) {
    if (descriptor_ < 0) fail_errno("open", name);
  }
  ~Raw() {
    if (own_) ::close(descriptor_);
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  std::size_t read(std::span<char> out) {
    for (;;) {
      if (stop_.stop_requested()) fail(ErrorKind::cancelled, "stopped while reading {}", name_);
      pollfd wait{descriptor_, POLLIN, 0};
      const int ready = ::poll(&wait, 1, kPollMilliseconds);
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;  // the signal may ask for the stop
      const ssize_t n = ::read(descriptor_, out.data(), out.size());
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) fail_errno("read", name_);
      consumed_ += static_cast<std::uint64_t>(n);
      return static_cast<std::size_t>(n);
    }
  }

  std::uint64_t consumed() const { return consumed_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::stop_token stop_;
  bool own_;
  int descriptor_;
  std::uint64_t consumed_ = 0;
};

// What the decoder of liblzma holds.
class Unpacking {
 public:
  Unpacking() {
    if (lzma_stream_decoder(&stream_, kMostUnpackMemory, LZMA_CONCATENATED) != LZMA_OK) {
      fail(ErrorKind::limit, "no memory to unpack an .xz file");
    }
  }
  ~Unpacking() { lzma_end(&stream_); }
  Unpacking(const Unpacking&) = delete;
  Unpacking& operator=(const Unpacking&) = delete;

  lzma_stream& stream() { return stream_; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

}  // namespace

struct ByteSource::Impl {
  Raw raw;
  std::vector<char> buffer = std::vector<char>(kBufferBytes);
  std::span<char> unread;  // of the buffer
  bool at_end = false;     // of the file
  bool finished = false;   // of what was packed
  std::optional<Unpacking> packed;

  Impl(const std::string& name, const std::stop_token& stop) : raw(name, stop) {
    std::size_t have = 0;
    while (have < kXzMagic.size() && !at_end) {
      const std::size_t n = raw.read(std::span(buffer).subspan(have));
      at_end = n == 0;
      have += n;
    }
    unread = std::span(buffer).first(have);
    if (std::string_view(unread.data(), have).starts_with(kXzMagic)) packed.emplace();
  }

  void refill() {
    const std::size_t n = raw.read(buffer);
    at_end = n == 0;
    unread = std::span(buffer).first(n);
  }

  std::size_t copy(std::span<char> out) {
    if (unread.empty() && !at_end) refill();
    const std::size_t n = std::min(out.size(), unread.size());
    std::copy_n(unread.begin(), n, out.begin());
    unread = unread.subspan(n);
    return n;
  }

  std::size_t unpack(std::span<char> out) {
    lzma_stream& stream = packed->stream();
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream.avail_out = out.size();
    while (!finished && stream.avail_out == out.size()) {
      if (unread.empty() && !at_end) refill();
      stream.next_in = reinterpret_cast<const std::uint8_t*>(unread.data());
      stream.avail_in = unread.size();
      const lzma_ret result = lzma_code(&stream, at_end ? LZMA_FINISH : LZMA_RUN);
      unread = unread.last(stream.avail_in);
      finished = result == LZMA_STREAM_END;
      if (result != LZMA_OK && !finished) refuse(result);
    }
    return out.size() - stream.avail_out;
  }

  [[noreturn]] void refuse(lzma_ret result) const {
    const std::uint64_t at = raw.consumed() - unread.size();
    if (result == LZMA_MEMLIMIT_ERROR || result == LZMA_MEM_ERROR) {
      fail(ErrorKind::limit, "{}: needs more than {} MiB of memory to unpack", raw.name(),
           kMostUnpackMemory >> 20);
    }
    if (result == LZMA_BUF_ERROR) {
      fail(ErrorKind::bad_input, "{}: the .xz file ends too early, after {} bytes", raw.name(), at);
    }
    fail(ErrorKind::bad_input, "{}: damaged .xz file near byte {}; xz --test says more", raw.name(), at);
  }
};

ByteSource::ByteSource(const std::string& name, const std::stop_token& stop)
    : impl_(std::make_unique<Impl>(name, stop)) {}

ByteSource::~ByteSource() = default;

std::size_t ByteSource::read(std::span<char> out) {
  if (out.empty()) return 0;
  return impl_->packed ? impl_->unpack(out) : impl_->copy(out);
}

std::uint64_t ByteSource::consumed() const { return impl_->raw.consumed(); }
const std::string& ByteSource::name() const { return impl_->raw.name(); }

}  // namespace nestor::corpus
