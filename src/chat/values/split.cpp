#include "chat/values/split.h"

#include <algorithm>
#include <limits>

#include "chat/values/operators.h"
#include "chat/values/unicode.h"

namespace nestor::chat {
namespace {

class Splitter {
 public:
  Splitter(Runtime& runtime, const Text& text, Int limit)
      : runtime_(runtime), text_(text), bytes_(text.bytes()), left_(limit) {}

  std::vector<Value> at_separator(std::string_view separator) {
    std::size_t begin = 0;
    for (std::size_t at = find_bytes(bytes_, separator); at != std::string::npos && left_ > 0;
         at = find_bytes(bytes_, separator, begin)) {
      put(begin, at);
      begin = at + separator.size();
    }
    put(begin, bytes_.size());
    return std::move(parts_);
  }

  std::vector<Value> at_separator_backwards(std::string_view separator) {
    std::size_t end = bytes_.size();
    while (left_ > 0 && end >= separator.size()) {
      const std::size_t at = bytes_.rfind(separator, end - separator.size());
      if (at == std::string::npos) break;
      put(at + separator.size(), end);
      end = at;
    }
    put(0, end);
    std::reverse(parts_.begin(), parts_.end());
    return std::move(parts_);
  }

  std::vector<Value> at_space() {
    std::size_t at = skip_space(bytes_);
    while (at < bytes_.size()) {
      if (left_ == 0) {
        put(at, bytes_.size());
        break;
      }
      std::size_t end = at;
      while (end < bytes_.size() && skip_space(std::string_view(bytes_).substr(end, 4)) == 0) ++end;
      put(at, end);
      at = end + skip_space(std::string_view(bytes_).substr(end));
    }
    return std::move(parts_);
  }

  std::vector<Value> at_space_backwards() {
    std::size_t end = skip_space_backwards(bytes_);
    while (end > 0) {
      if (left_ == 0) {
        put(0, end);
        break;
      }
      std::size_t begin = end;
      while (begin > 0 && skip_space_backwards(std::string_view(bytes_).substr(0, begin)) == begin) --begin;
      put(begin, end);
      end = skip_space_backwards(std::string_view(bytes_).substr(0, begin));
    }
    std::reverse(parts_.begin(), parts_.end());
    return std::move(parts_);
  }

 private:
  void put(std::size_t begin, std::size_t end) {
    runtime_.step();
    parts_.push_back(runtime_.text(text_.slice(begin, end)));
    --left_;
  }

  Runtime& runtime_;
  const Text& text_;
  const std::string& bytes_;
  Int left_;  // cuts still allowed
  std::vector<Value> parts_;
};

std::string_view separator_of(const Parameters& given, std::size_t i) {
  const std::string& separator = given.text(i).bytes();
  if (separator.empty()) fail(ErrorKind::bad_input, "empty separator");
  return separator;
}

}  // namespace

template <Direction direction>
Value split_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  const Parameters given("split", arguments, {"sep", "maxsplit"});
  const Int limit = given.integer(1, -1);
  Splitter splitter(runtime, self, limit < 0 ? std::numeric_limits<std::int64_t>::max() : limit);
  if (!given.given(0) || given[0].is_none()) {
    return runtime.list(direction == Direction::forwards ? splitter.at_space()
                                                         : splitter.at_space_backwards());
  }
  const std::string_view separator = separator_of(given, 0);
  return runtime.list(direction == Direction::forwards ? splitter.at_separator(separator)
                                                       : splitter.at_separator_backwards(separator));
}

template <Direction direction>
Value partition_method(Runtime&, const Text& self, const Arguments& arguments) {
  const Parameters given("partition", arguments, {"/sep"}, 1);
  const std::string_view separator = separator_of(given, 0);
  const std::string& bytes = self.bytes();
  const std::size_t at =
      direction == Direction::forwards ? find_bytes(bytes, separator) : bytes.rfind(separator);
  const Value nothing = Text();
  if (at == std::string::npos) {
    return direction == Direction::forwards ? Tuple({self, nothing, nothing})
                                            : Tuple({nothing, nothing, self});
  }
  return Tuple({self.slice(0, at), given[0], self.slice(at + separator.size(), bytes.size())});
}

template Value split_method<Direction::forwards>(Runtime&, const Text&, const Arguments&);
template Value split_method<Direction::backwards>(Runtime&, const Text&, const Arguments&);
template Value partition_method<Direction::forwards>(Runtime&, const Text&, const Arguments&);
template Value partition_method<Direction::backwards>(Runtime&, const Text&, const Arguments&);

Value splitlines_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  const Parameters given("splitlines", arguments, {"keepends"});
  std::vector<Value> lines;
  for (const LineSpan& line : lines_of(self.bytes())) {
    lines.push_back(self.slice(line.begin, given.truth(0) ? line.next : line.end));
  }
  return runtime.list(std::move(lines));
}

}  // namespace nestor::chat
