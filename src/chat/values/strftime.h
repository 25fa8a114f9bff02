// The clock of a template: strftime_now(format).
#pragma once

#include <string>
#include <string_view>

namespace nestor::chat {

/// Local time as a clock on the wall shows it; month and day count from 1.
struct LocalTime {
  int year = 1970, month = 1, day = 1;
  int hour = 0, minute = 0, second = 0;

  /// Reads "2026-03-09T14:05:07"; fails for anything else and for days that do not exist.
  static LocalTime parse(std::string_view text);
  /// The local time of this machine.
  static LocalTime now();
};

/// C locale, the C library's directives. No time zone is known: %z and %Z are empty, %s is refused.
std::string format_time(const std::string& format, const LocalTime& time);

}  // namespace nestor::chat
