#include "config/parse_rope.h"

#include <tuple>

#include "base/error.h"

namespace nestor::config {
namespace {

constexpr double kLeastTheta = 1.5;  // 1 would turn all pairs alike, and YaRN divides by its logarithm
constexpr double kMostTheta = 1e15;

// "default", "yarn" or an error. Two spellings of the key are in use, and one other name for the same thing.
std::string rope_type_of(Fields& f) {
  const auto spelled = f.optional_string("rope_type");
  const auto legacy = f.optional_string("type");
  if (spelled && legacy && *spelled != *legacy) {
    fail(ErrorKind::bad_input, "{}: rope_type {} and type {} contradict each other", f.what(),
         in_quotes(*spelled), in_quotes(*legacy));
  }
  std::string type = spelled ? *spelled : legacy.value_or("default");
  if (type == "yarn" || type == "deepseek_yarn") return "yarn";
  if (type == "default") return type;
  fail(ErrorKind::unsupported, "{}: rope_type {} is not supported; expected default, yarn or deepseek_yarn",
       f.what(), in_quotes(type));
}

YarnSpec read_yarn(Fields& f) {
  YarnSpec y;
  y.factor = f.number("factor", 1e-3, 1e6);
  y.beta_fast = f.optional_number("beta_fast", 1e-6, 1e6).value_or(y.beta_fast);
  y.beta_slow = f.optional_number("beta_slow", 1e-6, 1e6).value_or(y.beta_slow);
  // Not negative: 0.1 m ln(factor) + 1, by which things are divided, could be zero.
  y.mscale = f.optional_number("mscale", 0, 1e6);
  y.mscale_all_dim = f.optional_number("mscale_all_dim", 0, 1e6);
  y.attention_factor = f.optional_number("attention_factor", 0, 1e6);
  y.original_max_position_embeddings =
      f.integer("original_max_position_embeddings", 1, std::int64_t{1} << 30);
  f.require_value("truncate", true, "the correction range is always rounded to whole pairs");
  return y;
}

bool same(const std::optional<YarnSpec>& a, const std::optional<YarnSpec>& b) {
  const auto values = [](const YarnSpec& y) {
    return std::tie(y.factor, y.beta_fast, y.beta_slow, y.mscale, y.mscale_all_dim, y.attention_factor,
                    y.original_max_position_embeddings);
  };
  return a && b ? values(*a) == values(*b) : a.has_value() == b.has_value();
}

struct Rope {
  std::optional<double> theta;
  std::optional<YarnSpec> yarn;
};

std::optional<Rope> read_object(Fields& outer, const std::string& key, const AcceptedKeys& accepted) {
  const Json* object = outer.optional_object(key);
  if (object == nullptr) return std::nullopt;
  Fields f(*object, outer.what() + ": " + key);
  Rope rope;
  rope.theta = f.optional_number("rope_theta", kLeastTheta, kMostTheta);
  if (rope_type_of(f) == "yarn") {
    rope.yarn = read_yarn(f);
  } else {
    f.require_value("factor", 1.0, "without scaling there is nothing to multiply");
    f.ignore({"original_max_position_embeddings"});
  }
  f.require_value("partial_rotary_factor", 1.0, "all of qk_rope_head_dim is turned");
  f.check_missing();
  f.check_unknown(accepted);
  return rope;
}

}  // namespace

void read_rope(Fields& f, const AcceptedKeys& accepted, ModelConfig& c) {
  auto theta = f.optional_number("rope_theta", kLeastTheta, kMostTheta);
  const auto scaling = read_object(f, "rope_scaling", accepted);
  const auto parameters = read_object(f, "rope_parameters", accepted);  // how transformers 5 saves both
  if (scaling && parameters && !same(scaling->yarn, parameters->yarn)) {
    fail(ErrorKind::bad_input, "{}: rope_scaling and rope_parameters contradict each other", f.what());
  }
  for (const auto& rope : {scaling, parameters}) {
    if (!rope) continue;
    if (theta && rope->theta && *theta != *rope->theta) {
      fail(ErrorKind::bad_input, "{}: rope_theta {} and {} contradict each other", f.what(), *theta,
           *rope->theta);
    }
    if (!theta) theta = rope->theta;
    c.yarn = rope->yarn;
  }
  if (!theta) f.note_missing("rope_theta");
  c.rope_theta = theta.value_or(0);
}

}  // namespace nestor::config
