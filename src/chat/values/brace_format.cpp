// str.format with plain fields.
#include "chat/values/operators.h"
#include "chat/values/percent_format.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

class BraceFormat {
 public:
  BraceFormat(Runtime& runtime, const Text& format, const Arguments& arguments)
      : runtime_(runtime), format_(format), source_(format.bytes()), arguments_(arguments) {}

  Text run() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      const bool doubled = at_ + 1 < source_.size() && source_[at_ + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        out_.append(format_.slice(at_, at_ + 1));
        at_ += 2;
      } else if (c == '}') {
        fail(ErrorKind::bad_input, "Single '}}' encountered in format string");
      } else if (c == '{') {
        field();
      } else {
        const std::size_t end = std::min(source_.find_first_of("{}", at_), source_.size());
        runtime_.append(out_, format_.slice(at_, end));
        at_ = end;
      }
    }
    return std::move(out_);
  }

 private:
  void field() {
    const std::size_t close = source_.find('}', at_);
    if (close == std::string::npos) fail(ErrorKind::bad_input, "expected '}}' before end of string");
    const std::string_view name = std::string_view(source_).substr(at_ + 1, close - at_ - 1);
    if (name.find_first_of("!:{") != std::string_view::npos) {
      fail(ErrorKind::unsupported, "format(): a field with a conversion or specification: {}",
           in_quotes(name));
    }
    runtime_.append(out_, str_of(runtime_, value_of(name)));
    at_ = close + 1;
  }

  Value value_of(std::string_view name) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, end));
    name.remove_prefix(end);
    while (!name.empty()) {
      const bool member = name.front() == '.';
      const std::size_t next = member ? std::min(name.find_first_of(".[", 1), name.size()) : name.find(']');
      if (next == std::string_view::npos) fail(ErrorKind::bad_input, "Missing ']' in format string");
      const std::string_view part = name.substr(1, next - 1);
      if (part.empty()) fail(ErrorKind::bad_input, "Empty attribute in format string");
      value = member ? attribute(runtime_, value, part) : item(runtime_, value, key(part));
      name.remove_prefix(member ? next : next + 1);
      if (!name.empty() && name.front() != '.' && name.front() != '[') {
        fail(ErrorKind::bad_input, "Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  static std::optional<std::size_t> number(std::string_view text) {
    if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string_view::npos) {
      return std::nullopt;
    }
    return std::stoul(std::string(text));
  }

  static Value key(std::string_view text) {
    if (const auto index = number(text)) return Value::of_size(*index);
    return Text(std::string(text), Origin::template_text);
  }

  enum class Numbering { unknown, automatic, manual };

  Value argument(std::string_view name) {
    auto index = number(name);
    if (name.empty() || index) {
      const Numbering now = name.empty() ? Numbering::automatic : Numbering::manual;
      if (numbering_ != Numbering::unknown && numbering_ != now) {
        fail(ErrorKind::bad_input, "cannot switch between manual and automatic field numbering");
      }
      numbering_ = now;
      if (name.empty()) index = next_++;
      if (*index >= arguments_.positional.size()) {
        fail(ErrorKind::bad_input, "Replacement index {} out of range for positional args tuple", *index);
      }
      return arguments_.positional[*index];
    }
    const Value* value = arguments_.find(name);
    if (!value) fail(ErrorKind::bad_input, "format(): there is no argument {}", in_quotes(name));
    return *value;
  }

  Runtime& runtime_;
  const Text& format_;
  const std::string& source_;
  const Arguments& arguments_;
  Text out_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  Numbering numbering_ = Numbering::unknown;
};

}  // namespace

Text brace_format(Runtime& runtime, const Text& format, const Arguments& arguments) {
  return BraceFormat(runtime, format, arguments).run();
}

}  // namespace nestor::chat
