#include "corpus/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/utf8.h"
#include "corpus/text_encoding.h"
#include "corpus/unpacking.h"

namespace nestor::corpus {
namespace {

constexpr int kPollMilliseconds = 100;

[[noreturn]] void fail_errno(const char* verb, const std::string& name) {
  const int code = errno;
  const ErrorKind kind = code == ENOENT || code == ENOTDIR ? ErrorKind::not_found : ErrorKind::io;
  fail(kind, "cannot {} {}: {}", verb, name, std::strerror(code));
}

// A descriptor read in pieces.
class Raw : public ByteStream {
 public:
  Raw(const std::string& name, const std::stop_token& stop)
      : name_(name),
        stop_(stop),
        own_(name != "-"),
        descriptor_(own_ ? ::open(name.c_str(), O_RDONLY | O_CLOEXEC) : 0) {
    if (descriptor_ < 0) fail_errno("open", name);
  }
  ~Raw() override {
    if (own_) ::close(descriptor_);
  }

  std::size_t read(std::span<char> out) override {
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

// A zero and an ill-formed part among the first bytes: no text in any encoding that anybody uses.
bool is_binary(std::string_view head) {
  return head.find('\0') != head.npos &&
         !is_valid_utf8(head.substr(0, head.size() - unfinished_utf8_suffix(head)));
}

void refuse_what_is_no_text(std::string_view head, const std::string& name) {
  const FileKind* kind = file_kind(head);
  if (kind != nullptr && kind->content != FileKind::Content::page) {
    fail(ErrorKind::bad_input, "{}: expected text, found {}; {}", name, kind->name, kind->advice);
  }
}

}  // namespace

struct ByteSource::Impl {
  Raw raw;
  PeekedStream file{raw};
  std::unique_ptr<ByteStream> unpacked;
  std::optional<PeekedStream> bytes;
  std::optional<Utf8Stream> decoded;

  Impl(const std::string& name, const std::stop_token& stop) : raw(name, stop) {
    unpacked = unpacking(file.peek(kPackedHead), file, name);
    bytes.emplace(unpacked ? *unpacked : static_cast<ByteStream&>(file));
    const std::string_view head = bytes->peek(kEncodingHead);
    refuse_what_is_no_text(head, name);
    if (const auto encoding = wide_encoding(head)) {
      decoded.emplace(*bytes, *encoding, name);
    } else if (is_binary(head)) {
      fail(ErrorKind::bad_input, "{}: expected text, found binary data of an unknown kind", name);
    }
  }
};

ByteSource::ByteSource(const std::string& name, const std::stop_token& stop)
    : impl_(std::make_unique<Impl>(name, stop)) {}

ByteSource::~ByteSource() = default;

std::size_t ByteSource::read(std::span<char> out) {
  if (out.empty()) return 0;
  return impl_->decoded ? impl_->decoded->read(out) : impl_->bytes->read(out);
}

std::uint64_t ByteSource::consumed() const { return impl_->raw.consumed(); }
const std::string& ByteSource::name() const { return impl_->raw.name(); }

}  // namespace nestor::corpus
