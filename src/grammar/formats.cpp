#include "grammar/formats.h"

namespace nestor::grammar {
namespace {

using std::string_literals::operator""s;

// February 29 only in leap years.
const char* const kDate =
    "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-"
    "9]|1\\d|"
    "2[0-8]))|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";
const char* const kTime =
    "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const char* const kHost =
    "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}"
    "[A-Za-z0-9])?){0,6}";
const char* const kByte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

std::string date_and_time() { return "(?:"s + kDate + ")T(?:" + kTime + ")"; }

std::string duration() {
  const std::string time = "T(?:\\d{1,9}H(?:\\d{1,9}M)?(?:\\d{1,9}S)?|\\d{1,9}M(?:\\d{1,9}S)?|\\d{1,9}S)";
  return "P(?:(?:\\d{1,9}Y(?:\\d{1,9}M)?(?:\\d{1,9}D)?|\\d{1,9}M(?:\\d{1,9}D)?|\\d{1,9}D)(?:" + time + ")?|" +
         time + "|\\d{1,9}W)";
}

std::string ipv4() { return kByte + "(?:\\."s + kByte + "){3}"; }

// Eight groups, or n before and at most 6 - n behind the two colons.
std::string ipv6() {
  const std::string group = "[0-9A-Fa-f]{1,4}";
  std::string out = "(?:" + group + ":){7}" + group;
  for (int before = 0; before <= 6; ++before) {
    std::string left = before == 0 ? "" : group;
    if (before > 1) left += "(?::" + group + "){" + std::to_string(before - 1) + "}";
    out += "|" + left + "::";
    if (before < 6) out += "(?:" + group + "(?::" + group + "){0," + std::to_string(5 - before) + "})?";
  }
  return out;
}

std::string uri() {
  const std::string part = "(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*";
  return "https?://(?:"s + kHost + ")(?::\\d{1,5})?(?:/" + part + ")?(?:\\?" + part + ")?(?:#" + part + ")?";
}

}  // namespace

std::optional<std::string> pattern_of_format(std::string_view format) {
  const auto whole = [](const std::string& pattern) { return "^(?:" + pattern + ")$"; };
  if (format == "date") return whole(kDate);
  if (format == "time") return whole(kTime);
  if (format == "date-time") return whole(date_and_time());
  if (format == "duration") return whole(duration());
  if (format == "email") {
    return whole(
        "[A-Za-z0-9_+-]{1,32}(?:\\.[A-Za-z0-9_+-]{1,32})?@[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?(?:"
        "\\.[A-Za-z]{2,16}){1,3}");
  }
  if (format == "hostname") return whole(kHost);
  if (format == "ipv4") return whole(ipv4());
  if (format == "ipv6") return whole(ipv6());
  if (format == "uuid")
    return whole("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}");
  if (format == "uri") return whole(uri());
  return std::nullopt;
}

}  // namespace nestor::grammar
