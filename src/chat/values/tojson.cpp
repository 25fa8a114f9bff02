#include "chat/values/tojson.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "chat/runtime.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

enum class Charset { unicode, ascii };
enum class KeyOrder { insertion, sorted };

struct Layout {
  Charset charset = Charset::unicode;
  KeyOrder keys = KeyOrder::insertion;
  std::optional<std::string> indent;  // of one level; absent: everything on one line
  std::string between_items = ", ";
  std::string after_key = ": ";
};

std::string json_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return float_repr(value);
}

void append_unit(std::string& out, unsigned unit) { out += fmt::format("\\u{:04x}", unit); }

std::string json_string(std::string_view text, Charset charset) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    constexpr std::string_view kShort = "\"\"\\\\\nn\rr\tt\bb\ff";
    const std::size_t at = c.length == 1 ? kShort.find(text[i]) : std::string_view::npos;
    if (at != std::string_view::npos && at % 2 == 0) {
      out += '\\';
      out += kShort[at + 1];
    } else if (c.code_point < 0x20 || (charset == Charset::ascii && c.code_point >= 0x7F)) {
      if (c.code_point < 0x10000) {
        append_unit(out, c.code_point);
      } else {
        append_unit(out, 0xD800 + ((c.code_point - 0x10000) >> 10));
        append_unit(out, 0xDC00 + ((c.code_point - 0x10000) & 0x3FF));
      }
    } else {
      out += text.substr(i, c.length);
    }
    i += c.length;
  }
  return out + '"';
}

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, Layout layout) : runtime_(runtime), layout_(std::move(layout)) {}

  void write(const Value& value) {
    runtime_.step();
    if (value.text()) {
      note(*value.text());
      out_ += json_string(value.text()->bytes(), layout_.charset);
    } else if (value.sequence()) {
      write_items(*value.sequence());
    } else if (value.dict()) {
      write_entries(*value.dict());
    } else {
      only_literals_ = false;  // numbers do not remember who wrote them
      out_ += scalar(value);
    }
    runtime_.build(0);
  }

  Text take() { return Text(std::move(out_), only_literals_ ? Origin::template_text : Origin::input); }

 private:
  std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.boolean()) return *value.boolean() ? "true" : "false";
    if (value.exact_integer()) return decimal(*value.exact_integer());
    if (value.number()) return json_float(*value.number());
    fail(ErrorKind::bad_input, "Object of type {} is not JSON serializable", value.type_name());
  }

  std::string key_text(const Value& key) {
    if (key.text()) return key.text()->bytes();
    if (key.is_none() || key.real()) return scalar(key);
    fail(ErrorKind::bad_input, "keys must be str, int, float, bool or None, not {}", key.type_name());
  }

  void note(const Text& text) { only_literals_ = only_literals_ && text.origin() == Origin::template_text; }

  void new_line() {
    if (!layout_.indent) return;
    runtime_.build(out_.size() / 64 + layout_.indent->size() * static_cast<std::size_t>(level_));
    out_ += '\n';
    for (int i = 0; i < level_; ++i) out_ += *layout_.indent;
  }

  void write_items(const std::vector<Value>& items) {
    out_ += '[';
    ++level_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += layout_.between_items;
      new_line();
      write(items[i]);
    }
    --level_;
    if (!items.empty()) new_line();
    out_ += ']';
  }

  void write_entries(const Dict& dict) {
    std::vector<const Dict::Entry*> entries;
    for (const auto& entry : dict.entries()) entries.push_back(&entry);
    if (layout_.keys == KeyOrder::sorted) {
      std::stable_sort(entries.begin(), entries.end(),
                       [](const auto* a, const auto* b) { return less(a->first, b->first); });
    }
    out_ += '{';
    ++level_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_ += layout_.between_items;
      new_line();
      const Value& key = entries[i]->first;
      if (key.text()) note(*key.text());
      out_ += json_string(key_text(key), layout_.charset) + layout_.after_key;
      write(entries[i]->second);
    }
    --level_;
    if (!entries.empty()) new_line();
    out_ += '}';
  }

  Runtime& runtime_;
  const Layout layout_;
  std::string out_;
  int level_ = 0;
  bool only_literals_ = true;
};

Layout layout_of(Runtime& runtime, const Parameters& given) {
  enum { ensure_ascii, indent, separators, sort_keys };
  Layout layout;
  if (given.truth(ensure_ascii)) layout.charset = Charset::ascii;
  if (given.truth(sort_keys)) layout.keys = KeyOrder::sorted;
  if (given.given(indent) && !given[indent].is_none()) {
    if (given[indent].text()) {
      layout.indent = given[indent].text()->bytes();
    } else {
      const Int width = std::max<Int>(given.integer(indent, 0), 0);
      runtime.build(static_cast<std::uint64_t>(std::min<Int>(width, Int{1} << 62)));
      layout.indent = std::string(static_cast<std::size_t>(width), ' ');
    }
    layout.between_items = ",";
  }
  if (given.given(separators) && !given[separators].is_none()) {
    const auto pair = elements(runtime, given[separators]);
    if (pair.size() != 2 || !pair[0].text() || !pair[1].text()) {
      fail(ErrorKind::bad_input, "tojson(): separators must be two texts");
    }
    layout.between_items = pair[0].text()->bytes();
    layout.after_key = pair[1].text()->bytes();
  }
  return layout;
}

}  // namespace

Value tojson(Runtime& runtime, const Value& value, const Arguments& arguments) {
  const Parameters given("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonWriter writer(runtime, layout_of(runtime, given));
  writer.write(value);
  return runtime.text(writer.take());
}

}  // namespace nestor::chat
