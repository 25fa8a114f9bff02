#include "chat/answer_parser.h"

#include <algorithm>
#include <utility>

namespace nestor::chat {
namespace {

// Bytes at the end of `text` that may be the beginning of `marker`.
std::size_t begun(std::string_view text, std::string_view marker) {
  std::size_t length = std::min(text.size(), marker.size() - 1);
  while (text.substr(text.size() - length) != marker.substr(0, length)) --length;
  return length;
}

}  // namespace

AnswerParser::AnswerParser(ToolSet tools, Begins begins)
    : tools_(std::move(tools)),
      part_(begins == Begins::in_reasoning ? Part::reasoning : Part::content),
      leading_(begins == Begins::in_reasoning || !tools_.empty()) {}

AnswerEvents AnswerParser::push(std::string_view piece) {
  held_ += piece;
  AnswerEvents out;
  while (part_ == Part::call ? step_call(out) : step(out)) {
  }
  return out;
}

AnswerEvents AnswerParser::finish() {
  AnswerEvents out;
  part_ = part_ == Part::call ? Part::content : part_;
  emit(std::exchange(held_, {}), out);
  // White space at the end of content is content.
  if (part_ == Part::content && !blanks_.empty()) {
    out.emplace_back(std::in_place_type<ContentDelta>, ContentDelta{std::exchange(blanks_, {})});
  }
  return out;
}

// The first marker that changes the part; where there is none, `at` is where one may be beginning.
AnswerParser::Found AnswerParser::next_marker() const {
  Found first{std::string::npos, part_, 0};
  std::size_t held_back = 0;
  const auto look_for = [&](std::string_view marker, Part next) {
    if (const std::size_t at = held_.find(marker); at < first.at) first = {at, next, marker.size()};
    held_back = std::max(held_back, begun(held_, marker));
  };
  if (part_ == Part::reasoning) {
    look_for(kThinkClose, Part::content);
  } else {
    look_for(kThinkOpen, Part::reasoning);
    if (!tools_.empty()) look_for(kCallOpen, Part::call);
  }
  if (first.length == 0) first.at = held_.size() - held_back;
  return first;
}

// Decides on the beginning of held_ outside calls. False if there is nothing to decide on yet.
bool AnswerParser::step(AnswerEvents& out) {
  const Found found = next_marker();
  emit(std::string_view(held_).substr(0, found.at), out);
  held_.erase(0, found.at);
  if (found.length == 0) return false;
  if (found.next == Part::call) {  // what it is shows at its end
    part_ = Part::call;
    searched_ = kCallOpen.size();
  } else {
    held_.erase(0, found.length);
    enter(found.next);
  }
  return true;
}

bool AnswerParser::step_call(AnswerEvents& out) {
  const std::size_t close = held_.find(kCallClose, searched_);
  if (close == std::string::npos) {
    searched_ = std::max(searched_, held_.size() - std::min(held_.size(), kCallClose.size() - 1));
    return false;
  }
  const std::string block = held_.substr(0, close + kCallClose.size());
  held_.erase(0, block.size());
  part_ = Part::content;
  if (take_call(block, out)) return true;
  // No call. Perhaps one begins inside: a model that breaks off and starts again.
  const std::size_t last = block.rfind(kCallOpen);
  emit(std::string_view(block).substr(0, last), out);
  if (last == 0 || !take_call(std::string_view(block).substr(last), out)) {
    emit(std::string_view(block).substr(last), out);
  }
  return true;
}

bool AnswerParser::take_call(std::string_view block, AnswerEvents& out) {
  block.remove_prefix(kCallOpen.size());
  block.remove_suffix(kCallClose.size());
  auto call = parse_tool_call(block, tools_);
  if (!call) return false;
  out.emplace_back(std::in_place_type<ToolCall>, *std::move(call));
  enter(Part::content);
  return true;
}

void AnswerParser::enter(Part part) {
  part_ = part;
  blanks_.clear();
  leading_ = true;
}

// Text of the current part. White space at its end waits for what follows.
void AnswerParser::emit(std::string_view text, AnswerEvents& out) {
  if (leading_) text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  if (text.empty()) return;
  const std::size_t last = text.find_last_not_of(kBlanks);
  const std::size_t end = last == std::string_view::npos ? 0 : last + 1;
  if (end > 0) {
    leading_ = false;
    std::string certain = std::exchange(blanks_, {});
    certain += text.substr(0, end);
    if (part_ == Part::reasoning) {
      out.emplace_back(std::in_place_type<ReasoningDelta>, ReasoningDelta{std::move(certain)});
    } else {
      out.emplace_back(std::in_place_type<ContentDelta>, ContentDelta{std::move(certain)});
    }
  }
  blanks_ += text.substr(end);
}

}  // namespace nestor::chat
