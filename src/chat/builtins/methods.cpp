#include "chat/builtins/methods.h"

#include <algorithm>

#include "chat/builtins/text_methods.h"

namespace nestor::chat {
namespace {

using Names = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value bound(const Value& receiver, std::string_view name, Function::Body body) {
  return Value(std::make_shared<Function>(std::string(name), std::move(body), receiver.extent()));
}

Value unsupported(const Value& receiver, std::string_view name) {
  const std::string what = receiver.type_name() + "." + std::string(name);
  return bound(receiver, name, [what](Runtime&, const Arguments&) -> Value {
    fail(ErrorKind::unsupported, "the method {}() is not supported", what);
  });
}

std::optional<Value> text_method(const Value& receiver, std::string_view name) {
  if (const TextMethod* method = find_text_method(name)) {
    return bound(receiver, name, [receiver, method](Runtime& runtime, const Arguments& arguments) {
      runtime.step(receiver.extent().weight);
      return call_text_method(runtime, *method, *receiver.text(), arguments);
    });
  }
  if (is_one_of(name, {"casefold", "center", "encode", "expandtabs", "format_map", "isascii", "isidentifier",
                       "isprintable", "istitle", "ljust", "maketrans", "rjust", "translate"})) {
    return unsupported(receiver, name);
  }
  return std::nullopt;
}

Value view(const Value& dict, std::string_view name, DictView::Part part) {
  return bound(dict, name, [dict, part, method = std::string(name)](Runtime&, const Arguments& arguments) {
    const Parameters none(method, arguments, {});
    return Value(std::make_shared<DictView>(dict.dict_pointer(), part));
  });
}

std::optional<Value> dict_method(const Value& receiver, std::string_view name) {
  if (name == "items") return view(receiver, name, DictView::Part::items);
  if (name == "keys") return view(receiver, name, DictView::Part::keys);
  if (name == "values") return view(receiver, name, DictView::Part::values);
  if (name == "copy") {
    return bound(receiver, name, [receiver](Runtime&, const Arguments& arguments) {
      const Parameters none("copy", arguments, {});
      return receiver;
    });
  }
  if (name == "get") {
    return bound(receiver, name, [receiver](Runtime&, const Arguments& arguments) {
      const Parameters given("get", arguments, {"/key", "/default"}, 1);
      const Value* found = receiver.dict()->find(given[0]);
      return found ? *found : given.get(1, None{});
    });
  }
  if (name == "fromkeys") return unsupported(receiver, name);
  return std::nullopt;
}

std::optional<Value> sequence_method(const Value& receiver, std::string_view name) {
  if (name == "count") {
    return bound(receiver, name, [receiver](Runtime& runtime, const Arguments& arguments) {
      const Parameters given("count", arguments, {"/value"}, 1);
      runtime.step(receiver.extent().weight);
      const auto& items = *receiver.sequence();
      return Value::of_size(static_cast<std::size_t>(std::count_if(
          items.begin(), items.end(), [&](const Value& item) { return equal(item, given[0]); })));
    });
  }
  if (name == "index") {
    return bound(receiver, name, [receiver](Runtime& runtime, const Arguments& arguments) {
      const Parameters given("index", arguments, {"/value"}, 1);
      runtime.step(receiver.extent().weight);
      const auto& items = *receiver.sequence();
      const auto it =
          std::find_if(items.begin(), items.end(), [&](const Value& v) { return equal(v, given[0]); });
      if (it == items.end()) fail(ErrorKind::bad_input, "the value is not in the {}", receiver.type_name());
      return Value::of_size(static_cast<std::size_t>(it - items.begin()));
    });
  }
  if (name == "copy" && receiver.list()) {
    return bound(receiver, name, [receiver](Runtime&, const Arguments& arguments) {
      const Parameters none("copy", arguments, {});
      return receiver;
    });
  }
  return std::nullopt;
}

std::optional<Value> number_method(const Value& receiver, std::string_view name) {
  const bool of_integer = receiver.integer() && is_one_of(name, {"bit_count", "bit_length", "denominator",
                                                                 "from_bytes", "numerator", "to_bytes"});
  const bool of_float = receiver.number() && is_one_of(name, {"fromhex", "hex", "is_integer"});
  const bool of_both = is_one_of(name, {"as_integer_ratio", "conjugate", "imag", "real"});
  if (of_integer || of_float || of_both) {
    fail(ErrorKind::unsupported, "the attribute {}.{} is not supported", receiver.type_name(), name);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Value> method_of(const Value& receiver, std::string_view name) {
  if (receiver.text()) return text_method(receiver, name);
  if (receiver.dict()) return dict_method(receiver, name);
  if (receiver.sequence()) return sequence_method(receiver, name);
  if (receiver.real()) return number_method(receiver, name);
  return std::nullopt;
}

bool changes_receiver(const Value& receiver, std::string_view name) {
  if (receiver.dict()) return is_one_of(name, {"clear", "pop", "popitem", "setdefault", "update"});
  if (receiver.list()) {
    return is_one_of(name, {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"});
  }
  return false;
}

}  // namespace nestor::chat
