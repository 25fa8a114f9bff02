// What the server tells its operator: one line per event, "time level event key=value ...".
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nestor::serve {

enum class LogLevel { error, warn, info, debug };

/// Error(usage) for a name that is none.
LogLevel log_level(std::string_view name);

using LogFields = std::vector<std::pair<std::string, std::string>>;

/// Any thread may write; the sink is called on that thread and must take whole lines from several, without
/// waiting.
class Log {
 public:
  /// Takes a line, without its end; false if it could not be written.
  using Sink = std::function<bool(std::string_view line)>;
  Log(LogLevel level, Sink sink) : level_(level), sink_(std::move(sink)) {}

  void write(LogLevel level, std::string_view event, const LogFields& fields);
  /// The lines that could not be written.
  std::uint64_t dropped() const { return dropped_; }

 private:
  LogLevel level_;
  Sink sink_;
  std::atomic<std::uint64_t> dropped_{0};
};

/// The line, with the time given in milliseconds since 1970. Values with blanks, quotes or the like are
/// quoted.
std::string log_line(std::int64_t milliseconds, LogLevel level, std::string_view event,
                     const LogFields& fields);

}  // namespace nestor::serve
