#include "chat/builtins/globals.h"

#include "chat/runtime.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

Value range(Runtime&, const Arguments& arguments) {
  const Parameters given("range", arguments, {"/start", "/stop", "/step"}, 1);
  if (!given.given(1)) return Value(std::make_shared<Range>(Int{0}, given.integer(0, 0), Int{1}));
  return Value(std::make_shared<Range>(given.integer(0, 0), given.integer(1, 0), given.integer(2, 1)));
}

// dict(mapping or pairs, name=value, ...)
Dict dict_of(Runtime& runtime, const Arguments& arguments) {
  Dict dict;
  if (arguments.positional.size() > 1) fail(ErrorKind::bad_input, "dict() expected at most 1 argument");
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.dict()) {
      dict = *source.dict();
    } else {
      for (const Value& entry : elements(runtime, source)) {
        const auto pair = elements(runtime, entry);
        if (pair.size() != 2) fail(ErrorKind::bad_input, "dict(): an element is not a pair");
        dict.set(pair[0], pair[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) dict.set(Text(name, Origin::template_text), value);
  return dict;
}

Value dict(Runtime& runtime, const Arguments& arguments) { return dict_of(runtime, arguments); }

Value make_namespace(Runtime& runtime, const Arguments& arguments) {
  const auto space = runtime.keep(std::make_shared<Namespace>());
  const Dict members = dict_of(runtime, arguments);
  for (const auto& [key, value] : members.entries()) {
    if (!key.text()) fail(ErrorKind::unsupported, "namespace(): a key that is no text");
    space->set(key.text()->bytes(), value);
  }
  return Value(space);
}

// joiner(separator): nothing at the first call, then the separator.
Value joiner(Runtime&, const Arguments& arguments) {
  const Parameters given("joiner", arguments, {"sep"});
  const Value separator = given.get(0, Text(", ", Origin::template_text));
  auto body = [separator, used = std::make_shared<bool>(false)](Runtime&, const Arguments& none) {
    const Parameters check("joiner", none, {});
    return std::exchange(*used, true) ? separator : Value(Text());
  };
  return Value(std::make_shared<Function>("joiner", std::move(body), separator.extent()));
}

// cycler(a, b, ...): next() walks round, current stays, reset() goes back.
class Cycler : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::make_shared<State>(State{std::move(items), 0})) {
    for (const Value& item : items_->items) extent_.include(item.extent());
  }
  std::string type_name() const override { return "Cycler"; }
  Extent extent() const override { return extent_; }

  std::optional<Value> attribute(Runtime&, std::string_view name) override {
    if (name == "current") return items_->items[items_->at];
    if (name == "pos") return Value::of_size(items_->at);
    if (name == "items") return Value(List(items_->items));
    if (name != "next" && name != "reset") return std::nullopt;
    const bool advances = name == "next";
    auto body = [state = items_, advances](Runtime&, const Arguments& arguments) {
      const Parameters none("cycler", arguments, {});
      const Value now = state->items[state->at];
      state->at = advances ? (state->at + 1) % state->items.size() : 0;
      return advances ? now : Value(None{});
    };
    return Value(std::make_shared<Function>(std::string(name), std::move(body), extent_));
  }

 private:
  struct State {
    std::vector<Value> items;
    std::size_t at;
  };
  std::shared_ptr<State> items_;
  Extent extent_;
};

Value cycler(Runtime&, const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.named.empty()) {
    fail(ErrorKind::bad_input, "cycler(): at least one item has to be provided");
  }
  return Value(std::make_shared<Cycler>(arguments.positional));
}

Value raise_exception(Runtime& runtime, const Arguments& arguments) {
  const Parameters given("raise_exception", arguments, {"message"}, 1);
  fail(ErrorKind::bad_input, "{}", str_of(runtime, given[0]).bytes());
}

Value strftime_now(Runtime& runtime, const Arguments& arguments) {
  const Parameters given("strftime_now", arguments, {"format"}, 1);
  return runtime.text(Text(format_time(given.text(0).bytes(), runtime.now()), given.text(0).origin()));
}

// What the reference defines and no chat template needs: using it is an error, not silence.
Value beyond_the_subset(Runtime&, const Arguments&) {
  fail(ErrorKind::unsupported, "the functions lipsum() and self() are not supported");
}

}  // namespace

void define_globals(Scope& scope) {
  const auto define = [&](const char* name, Value (*body)(Runtime&, const Arguments&)) {
    scope.set(name, Value(std::make_shared<Function>(name, body, Extent{})));
  };
  define("range", range);
  define("dict", dict);
  define("namespace", make_namespace);
  define("joiner", joiner);
  define("cycler", cycler);
  define("raise_exception", raise_exception);
  define("strftime_now", strftime_now);
  define("lipsum", beyond_the_subset);
  define("self", beyond_the_subset);
}

}  // namespace nestor::chat
