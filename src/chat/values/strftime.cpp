#include "chat/values/strftime.h"

#include <locale.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <type_traits>

#include "base/error.h"

namespace nestor::chat {
namespace {

std::tm broken_down(const LocalTime& time) {
  using namespace std::chrono;
  const year_month_day date{year{time.year}, month{static_cast<unsigned>(time.month)},
                            day{static_cast<unsigned>(time.day)}};
  const sys_days days = date;
  std::tm tm{};
  tm.tm_year = time.year - 1900;
  tm.tm_mon = time.month - 1;
  tm.tm_mday = time.day;
  tm.tm_hour = time.hour;
  tm.tm_min = time.minute;
  tm.tm_sec = time.second;
  tm.tm_wday = static_cast<int>(weekday(days).c_encoding());
  tm.tm_yday = static_cast<int>((days - sys_days(date.year() / January / 1)).count());
  tm.tm_isdst = -1;
  return tm;
}

// Python fills in these itself before the C library sees the format.
std::string without_python_directives(const std::string& format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    const char directive = format[++i];
    if (directive == 's') fail(ErrorKind::unsupported, "strftime_now: %s needs a time zone, none is known");
    if (directive == 'f') {
      out += "000000";
    } else if (directive != 'z' && directive != 'Z') {
      out += '%';
      out += directive;
    }
  }
  return out;
}

}  // namespace

LocalTime LocalTime::parse(std::string_view text) {
  LocalTime t;
  int used = 0;
  const std::string copy(text);
  const int fields = std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &t.year, &t.month, &t.day,
                                 &t.hour, &t.minute, &t.second, &used);
  const std::chrono::year_month_day date{std::chrono::year{t.year},
                                         std::chrono::month{static_cast<unsigned>(t.month)},
                                         std::chrono::day{static_cast<unsigned>(t.day)}};
  const auto below = [](int value, int bound) { return value >= 0 && value < bound; };
  if (fields != 6 || static_cast<std::size_t>(used) != text.size() || t.year < 1 || !date.ok() ||
      !below(t.hour, 24) || !below(t.minute, 60) || !below(t.second, 60)) {
    fail(ErrorKind::bad_input, "expected a local time such as 2026-03-09T14:05:07, found {}",
         in_quotes(text));
  }
  return t;
}

LocalTime LocalTime::now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm tm{};
  localtime_r(&seconds, &tm);
  return {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
}

std::string format_time(const std::string& format, const LocalTime& time) {
  constexpr std::size_t kMaxFormat = 4096;
  if (format.size() > kMaxFormat)
    fail(ErrorKind::limit, "strftime_now: format longer than {} bytes", kMaxFormat);
  if (format.find('\0') != std::string::npos)
    fail(ErrorKind::bad_input, "strftime_now: embedded null character");
  // A character in front tells an empty result from a full buffer.
  const std::string directives = "." + without_python_directives(format);
  const std::tm tm = broken_down(time);
  const std::unique_ptr<std::remove_pointer_t<locale_t>, decltype(&freelocale)> locale(
      newlocale(LC_ALL_MASK, "C", nullptr), &freelocale);
  std::string buffer(64 * directives.size() + 64, '\0');
  const std::size_t length = strftime_l(buffer.data(), buffer.size(), directives.c_str(), &tm, locale.get());
  if (length == 0) fail(ErrorKind::limit, "strftime_now: the result is too long");
  return buffer.substr(1, length - 1);
}

}  // namespace nestor::chat
