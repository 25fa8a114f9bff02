#include "terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/printable.h"

namespace nestor::app {
namespace {

constexpr double kRedrawSeconds = 0.2;
constexpr double kLineSeconds = 10;

}  // namespace

void hold_standard_streams() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest free number is this one. Opened the wrong way round, it fails as a closed one does.
    ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  ::signal(SIGPIPE, SIG_IGN);
}

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

TerminalProgress::TerminalProgress(std::string unit, double scale)
    : unit_(std::move(unit)), scale_(scale), terminal_(is_terminal(STDERR_FILENO)) {}

TerminalProgress::~TerminalProgress() {
  if (drawn_ && terminal_) say("\r\x1b[K");
}

void TerminalProgress::advance(std::string_view what, std::uint64_t done, std::uint64_t total) {
  const auto now = Clock::now();
  const std::chrono::duration<double> since = now - last_;
  if (since.count() < (terminal_ ? kRedrawSeconds : kLineSeconds)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / seconds;
  const int places = scale_ > 1 ? 1 : 0;  // there are no tenths of what is counted one by one
  std::string line = fmt::format("{}: {:.{}f}", what, static_cast<double>(done) / scale_, places);
  if (total > 0) {
    const double left = rate > 0 && total > done ? static_cast<double>(total - done) / rate : 0;
    line += fmt::format(
        " of {:.{}f} {} ({:.0f} %), {:.1f} {}/s, {:.0f} s left", static_cast<double>(total) / scale_, places,
        unit_, 100.0 * static_cast<double>(done) / static_cast<double>(total), rate / scale_, unit_, left);
  } else {
    line += fmt::format(" {}, {:.1f} {}/s", unit_, rate / scale_, unit_);
  }
  say(fmt::format("{}{}{}", terminal_ ? "\r\x1b[K" : "", printable(line), terminal_ ? "" : "\n"));
  drawn_ = true;
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    fail(ErrorKind::io, "cannot write to standard output: {}", std::strerror(errno));
  }
}

bool say(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool note(std::string_view text) {
  std::string lines;
  for (std::size_t begin = 0, end = 0; begin <= text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    lines += printable(text.substr(begin, end - begin)) + "\n";
  }
  return say(lines);
}

}  // namespace nestor::app
