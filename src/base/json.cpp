#include "base/json.h"

#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "base/file_kind.h"
#include "base/json_budget.h"
#include "base/printable.h"

namespace nestor {
namespace {

constexpr std::size_t kMostOfReason = 200;

// Builds the document through the library's SAX interface, so that depth and duplicate keys are seen while
// parsing.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view what, JsonBudget& budget) : what_(what), budget_(budget), most_(budget.values) {}

  Json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool v) override { return put(v); }
  bool number_integer(number_integer_t v) override { return put(v); }
  bool number_unsigned(number_unsigned_t v) override { return put(v); }
  bool number_float(number_float_t v, const string_t&) override { return put(v); }
  bool string(string_t& v) override { return put(std::move(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& v) override {
    if (!keys_.back().insert(v).second) {
      fail(ErrorKind::bad_input, "{}: the key {} occurs twice in one object", what_, in_quotes(v));
    }
    key_ = std::move(v);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    std::string_view reason = e.what();  // "[json.exception...] parse error at line ..., column ...: reason"
    if (const auto at = reason.find("] "); at != std::string_view::npos) reason.remove_prefix(at + 2);
    fail(ErrorKind::bad_input, "{}: not valid JSON near byte {}: {}", what_, position,
         printable_ends(reason, kMostOfReason));
  }

 private:
  template <typename T>
  bool put(T&& value) {
    place(Json(std::forward<T>(value)));
    return true;
  }

  Json* place(Json value) {
    if (budget_.values == 0) {
      fail(ErrorKind::limit, "{}: more than {} values, which is the most that may be here", what_, most_);
    }
    --budget_.values;
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    // The key is known to be new, so it goes to the end without the linear search of ordered_json.
    auto& members = parent.get_ref<Json::object_t&>();
    using Members = std::vector<std::pair<const std::string, Json>>;
    static_cast<Members&>(members).emplace_back(std::move(key_), std::move(value));
    return &static_cast<Members&>(members).back().second;
  }

  bool open(Json value) {
    if (stack_.size() >= kMaxJsonDepth) {
      fail(ErrorKind::bad_input, "{}: nested deeper than {} levels", what_, kMaxJsonDepth);
    }
    Json* placed = place(std::move(value));
    stack_.push_back(placed);
    keys_.emplace_back();
    return true;
  }

  bool close() {
    stack_.pop_back();
    keys_.pop_back();
    return true;
  }

  std::string_view what_;
  JsonBudget& budget_;
  std::size_t most_;
  Json root_;
  std::vector<Json*> stack_;
  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view what) {
  JsonBudget unlimited{SIZE_MAX};
  return parse_json(text, what, unlimited);
}

Json parse_json(std::string_view text, std::string_view what, JsonBudget& budget) {
  if (text.empty()) fail(ErrorKind::bad_input, "{}: empty; expected a JSON document", what);
  if (const FileKind* kind = file_kind(text); kind != nullptr) {
    fail(ErrorKind::bad_input, "{}: expected JSON, found {}; {}", what, kind->name, kind->advice);
  }
  Builder builder(what, budget);
  Json::sax_parse(text, &builder);
  return builder.take();
}

Json read_json(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return parse_json(read_file(path, max_bytes), path.string());
}

void add_unique(Json& object, const std::string& key, Json value) {
  object.get_ref<Json::object_t&>().Container::emplace_back(key, std::move(value));
}

const char* kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "an integer";
    case Json::value_t::number_float:
      return "a number with a fraction or exponent";
    default:
      return "something else";
  }
}

std::string to_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nestor
