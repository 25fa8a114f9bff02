#include "serve/log.h"

#include <fmt/chrono.h>

#include <array>
#include <chrono>

#include "base/error.h"

namespace nestor::serve {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"error", "warn", "info", "debug"};

std::string value_text(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  return plain ? value : in_quotes(value, 400);
}

}  // namespace

LogLevel log_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  }
  fail(ErrorKind::usage, "log level {} is not known; expected error, warn, info or debug", in_quotes(name));
}

void Log::write(LogLevel level, std::string_view event, const LogFields& fields) {
  if (level > level_ || !sink_) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  if (!sink_(log_line(milliseconds, level, event, fields))) ++dropped_;
}

std::string log_line(std::int64_t milliseconds, LogLevel level, std::string_view event,
                     const LogFields& fields) {
  std::string line = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {} {}",
                                 fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)),
                                 milliseconds % 1000, kNames[static_cast<std::size_t>(level)], event);
  for (const auto& [key, value] : fields) line += fmt::format(" {}={}", key, value_text(value));
  return line;
}

}  // namespace nestor::serve
