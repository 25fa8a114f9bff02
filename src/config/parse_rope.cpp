#include "config/parse_rope.h"

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

void read_scaling(Fields& f, const AcceptedKeys& accepted, ModelConfig& c) {
  if (rope_type_of(f) == "yarn") c.yarn = read_yarn(f);
  f.check_missing();
  f.check_unknown(accepted);
}

}  // namespace

void read_rope(Fields& f, const AcceptedKeys& accepted, ModelConfig& c) {
  const auto theta = f.optional_number("rope_theta", kLeastTheta, kMostTheta);
  const Json* scaling = f.optional_object("rope_scaling");
  const Json* parameters = f.optional_object("rope_parameters");  // how transformers 5 saves both
  if (scaling != nullptr && parameters != nullptr) {
    fail(ErrorKind::bad_input, "{}: both rope_scaling and rope_parameters are given; expected one of them",
         f.what());
  }
  if (parameters != nullptr) {
    Fields p(*parameters, f.what() + ": rope_parameters");
    const auto inner = p.optional_number("rope_theta", kLeastTheta, kMostTheta);
    if (inner && theta && *inner != *theta) {
      fail(ErrorKind::bad_input, "{}: rope_theta {} and rope_parameters.rope_theta {} contradict each other",
           f.what(), *theta, *inner);
    }
    if (!inner && !theta) p.note_missing("rope_theta");
    c.rope_theta = inner.value_or(theta.value_or(0));
    read_scaling(p, accepted, c);
    return;
  }
  if (!theta) f.note_missing("rope_theta");
  c.rope_theta = theta.value_or(0);
  if (scaling != nullptr) {
    Fields s(*scaling, f.what() + ": rope_scaling");
    read_scaling(s, accepted, c);
  }
}

}  // namespace nestor::config
