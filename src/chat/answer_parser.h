// What is in a model's answer: reasoning, content and tool calls, found while the text arrives.
//
//   <longcat_think>reasoning</longcat_think>content<longcat_tool_call>call</longcat_tool_call>
//
// chat/tool_call.h says how a call is written. Markers count wherever the text has them, so ids have to be
// decoded with special tokens kept.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/tool_call.h"
#include "chat/tool_set.h"

namespace nestor::chat {

struct ContentDelta {
  std::string text;
  bool operator==(const ContentDelta&) const = default;
};
struct ReasoningDelta {
  std::string text;
  bool operator==(const ReasoningDelta&) const = default;
};
using AnswerEvent = std::variant<ContentDelta, ReasoningDelta, ToolCall>;
using AnswerEvents = std::vector<AnswerEvent>;

/// Reads one answer piece by piece. How the text is cut into pieces changes nothing but the cuts of the
/// deltas.
///
/// A block that calls an unknown tool, or that is no call, is content, as is one that the text ends in. White
/// space is dropped around reasoning and calls, and before all content where tools are declared. Without
/// tools nothing is taken for a call. Takes time linear in the text. One object per answer, one thread at a
/// time.
class AnswerParser {
 public:
  enum class Begins {
    in_content,
    in_reasoning,  // the prompt ends inside <longcat_think>
  };
  explicit AnswerParser(ToolSet tools, Begins begins = Begins::in_content);

  /// What has become certain by this piece. Deltas are not empty.
  AnswerEvents push(std::string_view piece);

  /// The text has ended: what was still held back. Nothing may be pushed afterwards.
  AnswerEvents finish();

 private:
  enum class Part { content, reasoning, call };
  struct Found {
    std::size_t at;
    Part next;
    std::size_t length;  // of the marker
  };

  Found next_marker() const;
  bool step(AnswerEvents& out);
  bool step_call(AnswerEvents& out);
  bool take_call(std::string_view block, AnswerEvents& out);
  void emit(std::string_view text, AnswerEvents& out);
  void enter(Part part);

  ToolSet tools_;
  Part part_;
  std::string held_;          // not decided on yet; in a call, all of it from its first marker on
  std::size_t searched_ = 0;  // in a call: no end marker begins before
  std::string blanks_;        // white space that counts if more text of its part follows
  bool leading_ = false;      // white space that comes now is dropped
};

}  // namespace nestor::chat
