#include "chat/python_literal.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "chat/syntax/literal.h"

namespace nestor::chat {
namespace {

constexpr int kMaxLiteralDepth = 64;

// Every read_ function leaves the offset behind what it read, or returns nothing.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Json> run() {
    auto value = read_value(0);
    skip_blanks();
    return at_ == text_.size() ? value : std::nullopt;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  std::optional<Json> read_value(int depth) {
    skip_blanks();
    if (depth > kMaxLiteralDepth || at_ == text_.size()) return std::nullopt;
    switch (text_[at_]) {
      case '[':
        return read_sequence(']', depth);
      case '(':
        return read_sequence(')', depth);
      case '{':
        return read_dict(depth);
      case '\'':
      case '"':
        return read_text();
      default:
        return read_word();
    }
  }

  std::optional<Json> read_sequence(char close, int depth) {
    ++at_;
    Json out = Json::array();
    while (true) {
      skip_blanks();
      if (take({&close, 1})) return out;
      auto item = read_value(depth + 1);
      if (!item) return std::nullopt;
      out.push_back(*std::move(item));
      skip_blanks();
      const bool comma = take(",");
      skip_blanks();
      const bool closed = take({&close, 1});
      if (closed && close == ')' && !comma && out.size() == 1) return out.front();  // only parentheses
      if (closed) return out;
      if (!comma) return std::nullopt;
    }
  }

  std::optional<Json> read_dict(int depth) {
    ++at_;
    Json out = Json::object();
    while (true) {
      skip_blanks();
      if (take("}")) return out;
      if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return std::nullopt;
      const auto key = read_text();
      skip_blanks();
      if (!key || !take(":")) return std::nullopt;
      auto value = read_value(depth + 1);
      if (!value) return std::nullopt;
      out[key->get<std::string>()] = *std::move(value);
      skip_blanks();
      if (take("}")) return out;
      if (!take(",")) return std::nullopt;
    }
  }

  std::optional<Json> read_text() {
    const std::size_t end = end_of_text_literal(text_, at_);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view content = text_.substr(at_ + 1, end - at_ - 2);
    at_ = end;
    if (content.find('\n') != std::string_view::npos) return std::nullopt;
    try {
      return Json(unescaped(content, 1));
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  std::optional<Json> read_word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           std::string_view(",:[]{}() \t\r\n'\"").find(text_[at_]) == std::string_view::npos)
      ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "True") return Json(true);
    if (word == "False") return Json(false);
    if (word == "None") return Json(nullptr);
    return number_of(word);
  }

  static std::optional<Json> number_of(std::string_view word) {
    if (!word.empty() && word.front() == '+') word.remove_prefix(1);
    // "inf" and "nan" are names in Python, not literals.
    if (word.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
    const char* end = word.data() + word.size();
    std::int64_t integer = 0;
    if (const auto got = std::from_chars(word.data(), end, integer); got.ec == std::errc() && got.ptr == end)
      return Json(integer);
    if (word.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
    double number = 0;
    const auto got = std::from_chars(word.data(), end, number);
    if (got.ec != std::errc() || got.ptr != end || !std::isfinite(number)) return std::nullopt;
    return Json(number);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<Json> parse_python_literal(std::string_view text) { return Reader(text).run(); }

}  // namespace nestor::chat
