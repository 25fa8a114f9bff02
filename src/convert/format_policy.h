// Which format each tensor of a converted checkpoint gets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/tensor_list.h"
#include "quant/encoding.h"

namespace nestor::convert {

/// What a user asks for: "bf16", "q8", "q4" for weights, also "q6", "q5", "q3", "q2" for tables; `keep` are
/// exceptions "PATTERN=FORMAT" by the name of the tensor, * standing for any text; the first that fits
/// counts.
struct FormatRequest {
  std::string weights = "bf16";
  std::string tables = "bf16";
  std::vector<std::string> keep = {};
};

/// With weights "q4", what is small and sensitive gets 8 bits: the projections to and from the latents of
/// attention (q_a, kv_a, kv_b), the head and the projections of n-gram tables. Norms, routers and their
/// biases are never touched. Error(usage) for a format or a pattern that makes no sense.
class FormatPolicy {
 public:
  explicit FormatPolicy(const FormatRequest& request);

  /// True if the tensor is a matrix or a table, which formats apply to; all else stays as it is.
  static bool applies_to(const config::TensorInfo& tensor);
  /// For tensors that formats apply to: an encoding, or nothing for bfloat16.
  std::optional<quant::Encoding> encoding_of(const config::TensorInfo& tensor) const;
  /// True if any tensor of the model is encoded.
  bool encodes_any(const config::ModelConfig& config, const config::NameLayout& layout) const;
  /// Error(usage) names a pattern that fits no tensor that formats apply to.
  void check_patterns(const config::ModelConfig& config, const config::NameLayout& layout) const;

 private:
  struct Exception {
    std::string pattern;
    std::string format;
  };

  FormatRequest request_;
  std::vector<Exception> exceptions_;
};

}  // namespace nestor::convert
