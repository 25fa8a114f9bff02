// One tool call in LongCat's forms, from the text between its markers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat/tool_set.h"

namespace nestor::chat {

inline constexpr std::string_view kThinkOpen = "<longcat_think>";
inline constexpr std::string_view kThinkClose = "</longcat_think>";
inline constexpr std::string_view kCallOpen = "<longcat_tool_call>";
inline constexpr std::string_view kCallClose = "</longcat_tool_call>";
inline constexpr std::string_view kKeyOpen = "<longcat_arg_key>";
inline constexpr std::string_view kKeyClose = "</longcat_arg_key>";
inline constexpr std::string_view kValueOpen = "<longcat_arg_value>";
inline constexpr std::string_view kValueClose = "</longcat_arg_value>";

struct ToolCall {
  std::string name;
  std::string arguments;  // the text of a JSON object
  bool operator==(const ToolCall&) const = default;
};

/// `body` is what stands between <longcat_tool_call> and </longcat_tool_call>:
///   NAME\n<longcat_arg_key>KEY</longcat_arg_key>\n<longcat_arg_value>VALUE</longcat_arg_value>\n...
///   {"name": NAME, "arguments": {...}}                                     (the older form)
/// NAME ends at the first line break, key or end. Between a key and its value stands white space or a literal
/// `\n`; names, keys and values are stripped. A name with the prefix `functions.` counts where the bare one
/// is declared. The value of a parameter that is declared as a string is text as it stands; others are JSON,
/// or else a Python literal, or else text. A key that comes twice has its last value. Nothing if the call is
/// malformed or its tool is not declared.
std::optional<ToolCall> parse_tool_call(std::string_view body, const ToolSet& tools);

/// Without the white space (ASCII) on both sides.
std::string_view stripped(std::string_view text);

inline constexpr std::string_view kBlanks = " \t\n\r\v\f";

}  // namespace nestor::chat
