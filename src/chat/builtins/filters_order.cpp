// Filters that order or compare elements.
#include <algorithm>
#include <unordered_map>

#include "chat/builtins/filter_table.h"

namespace nestor::chat {
namespace {

enum class Order { ascending, descending };

Case case_of(const Parameters& given, std::size_t i) {
  return given.truth(i) ? Case::matters : Case::ignored;
}
Order order_of(const Parameters& given, std::size_t i) {
  return given.truth(i) ? Order::descending : Order::ascending;
}

struct Keyed {
  Value key, value;
};

// Stable in both directions, as Python's sorted().
std::vector<Value> sorted(Runtime& runtime, std::vector<Keyed> entries, Order order) {
  std::stable_sort(entries.begin(), entries.end(), [&](const Keyed& a, const Keyed& b) {
    runtime.step(std::min(a.key.extent().weight, b.key.extent().weight));
    return order == Order::ascending ? less(a.key, b.key) : less(b.key, a.key);
  });
  std::vector<Value> values;
  for (Keyed& entry : entries) values.push_back(std::move(entry.value));
  return values;
}

Value sort(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  // Several attributes can be given, parted by commas.
  std::vector<AttributePath> paths;
  if (given.given(2) && given[2].text()) {
    const std::string& names = given[2].text()->bytes();
    for (std::size_t begin = 0; begin <= names.size();) {
      const std::size_t end = std::min(names.find(',', begin), names.size());
      paths.emplace_back(Text(names.substr(begin, end - begin)));
      begin = end + 1;
    }
  } else {
    paths.emplace_back(given.get(2, None{}));
  }
  std::vector<Keyed> entries;
  for (Value& value : elements(runtime, input)) {
    std::vector<Value> key;
    for (const AttributePath& path : paths)
      key.push_back(comparable(path(runtime, value), case_of(given, 1)));
    entries.push_back({List(std::move(key)), std::move(value)});
  }
  return List(sorted(runtime, std::move(entries), order_of(given, 0)));
}

Value dictsort(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = given.given(1) && given[1].text() ? given.text(1).bytes()
                         : given.given(1)                  ? ""
                                                           : "key";
  if (by != "key" && by != "value") {
    fail(ErrorKind::bad_input, "You can only sort by either \"key\" or \"value\"");
  }
  input.require_defined();
  if (!input.dict()) fail(ErrorKind::bad_input, "dictsort() works on a mapping, not {}", input.type_name());
  std::vector<Keyed> entries;
  for (const auto& [key, value] : input.dict()->entries()) {
    entries.push_back({comparable(by == "key" ? key : value, case_of(given, 0)), Tuple({key, value})});
  }
  return List(sorted(runtime, std::move(entries), order_of(given, 2)));
}

Value unique(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("unique", arguments, {"case_sensitive", "attribute"});
  auto next = [&runtime, path = AttributePath(given.get(1, None{})), mode = case_of(given, 0), input,
               source = Next(), seen = Dict()]() mutable -> std::optional<Value> {
    if (!source) source = iterate(runtime, input);
    while (auto item = source()) {
      const Value key = comparable(path(runtime, *item), mode);
      runtime.step(key.extent().weight);
      if (seen.find(key)) continue;
      seen.set(key, None{});
      return item;
    }
    return std::nullopt;
  };
  return Value(std::make_shared<Generator>(std::move(next), input.extent()));
}

template <Order wanted>
Value extreme(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("min or max", arguments, {"case_sensitive", "attribute"});
  const AttributePath path(given.get(1, None{}));
  const Next next = iterate(runtime, input);
  std::optional<Keyed> best;
  while (auto item = next()) {
    const Value key = comparable(path(runtime, *item), case_of(given, 0));
    runtime.step(key.extent().weight);
    const bool better =
        !best || (wanted == Order::ascending ? less(key, best->key) : less(best->key, key, ">"));
    if (better) best = Keyed{key, *item};
  }
  return best ? best->value : Value::undefined("No aggregated item, sequence was empty.");
}

constexpr NamedFilter kOrderFilters[] = {
    {"dictsort", dictsort},
    {"max", extreme<Order::descending>},
    {"min", extreme<Order::ascending>},
    {"sort", sort},
    {"unique", unique},
};

}  // namespace

std::span<const NamedFilter> order_filters() { return kOrderFilters; }

}  // namespace nestor::chat
