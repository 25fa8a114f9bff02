#include "lm/finite_logits.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace nestor::lm {

void check_finite(std::span<const float> row) {
  const auto bad = std::find_if(row.begin(), row.end(), [](float v) { return !std::isfinite(v); });
  if (bad == row.end()) return;
  fail(
      ErrorKind::internal,
      "the model's logit of token {} is {}, expected a finite number: the weights are damaged or a kernel is "
      "wrong",
      bad - row.begin(), *bad);
}

void check_finite(const Logits& logits) {
  for (std::int64_t i = 0; i < logits.rows(); ++i) check_finite(logits.row(i));
}

}  // namespace nestor::lm
