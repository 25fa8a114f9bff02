#include "recipe/recipe_json.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/excerpt.h"
#include "config/json_fields.h"
#include "recipe/field_visitor.h"
#include "recipe/model_json.h"

namespace nestor::recipe {
namespace {

// Levenshtein distance.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

class Reader : public FieldVisitor {
 public:
  Reader(const Json& object, std::string what)
      : object_(object), fields_(object, what), what_(std::move(what)) {}

  void integer(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high) override {
    if (const auto found = fields_.optional_integer(known(key), low, high)) value = *found;
  }
  void number(const char* key, double& value, double low, double high) override {
    if (const auto found = fields_.optional_number(known(key), low, high)) value = *found;
  }
  void boolean(const char* key, bool& value) override {
    if (const auto found = fields_.optional_boolean(known(key))) value = *found;
  }
  void text(const char* key, std::string& value) override {
    if (const auto found = fields_.optional_string(known(key))) value = *found;
  }
  void texts(const char* key, std::vector<std::string>& value) override {
    known(key);
    if (const auto one = fields_.string_if_any(key)) {
      value = {*one};
    } else if (fields_.optional_array(key) != nullptr) {
      value = fields_.strings(key);
    }
  }
  void choice(const char* key, std::span<const char* const> names, int& value) override {
    const auto found = fields_.optional_string(known(key));
    if (!found) return;
    const auto at = std::find(names.begin(), names.end(), *found);
    if (at == names.end()) {
      fail(ErrorKind::bad_input, "{}: {} is {}, expected one of {}", what_, key, in_quotes(*found),
           fmt::join(names, ", "));
    }
    value = static_cast<int>(at - names.begin());
  }
  void section(const char* key, const std::function<void(FieldVisitor&)>& visit) override {
    const Json* found = fields_.optional_object(known(key));
    const Json empty = Json::object();
    Reader inner(found == nullptr ? empty : *found, what_ + ": " + key);
    visit(inner);
    inner.check_unknown();
  }
  void config(const char* key, Json& value) override {
    const Json* found = fields_.optional_object(known(key));
    if (found == nullptr)
      fail(ErrorKind::bad_input, "{}: {} is missing: the keys of a config.json", what_, key);
    value = *found;
  }

  void check_unknown() const {
    for (const auto& item : object_.items()) {
      const std::string& key = item.key();
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      const auto nearest = std::min_element(known_.begin(), known_.end(), [&](const auto& a, const auto& b) {
        return distance(a, key) < distance(b, key);
      });
      fail(ErrorKind::usage, "{}: there is no key {}; the nearest is \"{}\"", what_, in_quotes(key),
           *nearest);
    }
  }

 private:
  const char* known(const char* key) {
    known_.push_back(key);
    return key;
  }

  const Json& object_;
  config::Fields fields_;
  std::string what_;
  std::vector<std::string> known_;
};

class Writer : public FieldVisitor {
 public:
  Json take() { return std::move(out_); }

  void integer(const char* key, std::int64_t& value, std::int64_t, std::int64_t) override {
    out_[key] = value;
  }
  void number(const char* key, double& value, double, double) override { out_[key] = value; }
  void boolean(const char* key, bool& value) override { out_[key] = value; }
  void text(const char* key, std::string& value) override { out_[key] = value; }
  void texts(const char* key, std::vector<std::string>& value) override { out_[key] = value; }
  void choice(const char* key, std::span<const char* const> names, int& value) override {
    out_[key] = names[static_cast<std::size_t>(value)];
  }
  void section(const char* key, const std::function<void(FieldVisitor&)>& visit) override {
    Writer inner;
    visit(inner);
    out_[key] = inner.take();
  }
  void config(const char* key, Json& value) override { out_[key] = value; }

 private:
  Json out_ = Json::object();
};

void collect_keys(const Json& object, const std::string& prefix, std::vector<std::string>& keys) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object() && prefix + key != "model.config") {
      collect_keys(value, prefix + key + ".", keys);
    } else {
      keys.push_back(prefix + key);
    }
  }
}

void check_device(const std::string& device, const std::string& what) {
  const std::string number = device.starts_with("cuda:") ? device.substr(5) : "0";
  const bool digits =
      !number.empty() && number.size() <= 3 && number.find_first_not_of("0123456789") == std::string::npos;
  if (device == "cpu" || device == "cuda" || (device.starts_with("cuda:") && digits)) return;
  fail(ErrorKind::bad_input, "{}: device is {}, expected cpu, cuda or cuda:N", what, in_quotes(device));
}

// What must hold between values.
// Means that never forget, and divisions by nothing, make a model that is not finite after one step.
void check_rates(const Recipe& r, const std::string& what) {
  const auto below_one = [&](const char* key, double value) {
    if (value < 1) return;
    fail(ErrorKind::bad_input, "{}: {} must be less than 1, found {}", what, key, value);
  };
  below_one("dense.beta1", r.dense.beta1);
  below_one("dense.beta2", r.dense.beta2);
  constexpr double kLeastNorm = 1e-6;  // below that, gradients vanish beside epsilon
  if (r.dense.clip_norm > 0 && r.dense.clip_norm < kLeastNorm) {
    fail(ErrorKind::bad_input,
         "{}: dense.clip_norm must be 0 or at least {}, found {}: nothing would be learnt", what, kLeastNorm,
         r.dense.clip_norm);
  }
  if (r.dense.epsilon == 0) fail(ErrorKind::bad_input, "{}: dense.epsilon must be above 0", what);
  const TableOptimizer& t = r.tables;
  if (t.kind != TableOptimizer::Kind::row_adagrad && !(t.beta2 < 1 && t.beta1 * t.beta1 < t.beta2)) {
    fail(ErrorKind::bad_input,
         "{}: tables.beta2 must be less than 1 and more than the square of tables.beta1, found {} and {}",
         what, t.beta2, t.beta1);
  }
}

void check_whole(const Recipe& r, const std::string& what) {
  check_device(r.device, what);
  if (r.data.train.empty()) {
    fail(ErrorKind::bad_input, "{}: data.train is empty: name the text files or corpus folders to learn from",
         what);
  }
  if (r.data.tokenizer.empty()) {
    fail(ErrorKind::bad_input, "{}: data.tokenizer is missing: name a tokenizer.json or a folder with one",
         what);
  }
  if (r.schedule.warmup_steps > r.schedule.steps) {
    fail(ErrorKind::bad_input, "{}: schedule.warmup_steps {} exceeds schedule.steps {}", what,
         r.schedule.warmup_steps, r.schedule.steps);
  }
  check_rates(r, what);
  const config::ModelConfig& c = r.model.config;
  if (r.data.window > c.max_position_embeddings) {
    fail(ErrorKind::bad_input, "{}: data.window {} exceeds model.config.max_position_embeddings {}", what,
         r.data.window, c.max_position_embeddings);
  }
  if (c.n_routed_experts % r.routing.balance_groups != 0) {
    fail(ErrorKind::bad_input, "{}: routing.balance_groups {} does not divide the {} experts", what,
         r.routing.balance_groups, c.n_routed_experts);
  }
  const std::int64_t most = std::min(c.moe_topk, c.n_routed_experts);
  if (r.routing.ffn_experts_wanted > static_cast<double>(most)) {
    fail(ErrorKind::bad_input, "{}: routing.ffn_experts_wanted {} exceeds {}, the most a token can pick",
         what, r.routing.ffn_experts_wanted, most);
  }
  if (c.fp8) {
    fail(ErrorKind::unsupported, "{}: model.config.quantization_config: training writes plain numbers", what);
  }
}

Json json_or_text(const std::string& text) {
  try {
    return parse_json(text, "value");
  } catch (const Error&) {
    return text;
  }
}

void anchor(Json& value, const std::filesystem::path& folder) {
  if (!value.is_string()) return;
  const std::filesystem::path path = value.get<std::string>();
  if (!path.empty() && path.is_relative()) value = (folder / path).lexically_normal().string();
}

}  // namespace

Recipe parse_recipe(const Json& json, const std::string& what) {
  Recipe recipe;
  Reader reader(json, what);
  visit_fields(recipe, reader);
  reader.check_unknown();
  complete_model(recipe, what);
  check_whole(recipe, what);
  return recipe;
}

Json to_json(const Recipe& recipe) {
  Recipe copy = recipe;
  Writer writer;
  visit_fields(copy, writer);
  return writer.take();
}

void apply_override(Json& json, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail(ErrorKind::usage, "--set {}: expected key=value, as in schedule.steps=500", in_quotes(assignment));
  }
  if (!json.is_object()) fail(ErrorKind::bad_input, "a recipe is an object, found {}", kind_of(json));
  Json value = json_or_text(assignment.substr(equals + 1));
  Json* at = &json;
  std::string path = assignment.substr(0, equals);
  for (std::size_t dot = 0; (dot = path.find('.')) != std::string::npos; path = path.substr(dot + 1)) {
    Json& next = (*at)[path.substr(0, dot)];
    if (next.is_null()) next = Json::object();
    if (!next.is_object()) {
      fail(ErrorKind::usage, "--set {}: {} is no section", in_quotes(assignment),
           in_quotes(path.substr(0, dot)));
    }
    at = &next;
  }
  (*at)[path] = std::move(value);
}

void anchor_paths(Json& json, const std::string& folder) {
  if (!json.is_object() || !json.contains("data") || !json["data"].is_object()) return;
  Json& data = json["data"];
  for (const char* key : {"tokenizer", "train", "heldout"}) {
    if (!data.contains(key)) continue;
    Json& value = data[key];
    anchor(value, folder);
    if (!value.is_array()) continue;
    for (Json& item : value) anchor(item, folder);
  }
}

std::vector<std::string> known_keys() {
  Recipe recipe;
  recipe.model.config_json = Json::object();
  std::vector<std::string> keys;
  collect_keys(to_json(recipe), "", keys);
  return keys;
}

}  // namespace nestor::recipe
