#include "terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/error.h"

namespace nestor::app {
namespace {

constexpr double kRedrawSeconds = 0.2;
constexpr double kLineSeconds = 10;

}  // namespace

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

TerminalProgress::TerminalProgress(std::string unit, double scale)
    : unit_(std::move(unit)), scale_(scale), terminal_(is_terminal(STDERR_FILENO)) {}

TerminalProgress::~TerminalProgress() {
  if (drawn_ && terminal_) std::fputs("\r\x1b[K", stderr);
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
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ ? "" : "\n");
  std::fflush(stderr);
  drawn_ = true;
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    fail(ErrorKind::io, "cannot write to standard output");
  }
}

void note(std::string_view text) { fmt::print(stderr, "{}\n", text); }

}  // namespace nestor::app
