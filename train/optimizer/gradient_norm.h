// The norm over all gradients of a step, dense ones and those of table rows, and whether they are numbers at
// all.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "train/torch.h"

namespace nestor::train {

/// The sum of squares in double, on the CPU in an order that depends on the shape alone: neither on threads
/// nor on time. An undefined gradient is zero.
double squares_of(const torch::Tensor& gradient);

class GradientNorm {
 public:
  /// The sum of squares of a float32 gradient. `weight` multiplies the gradient: a table with amplification a
  /// has gradients a times smaller than the run with the factor outside of it, and counts with weight a.
  void add(std::string_view name, double squares, double weight = 1);

  double norm() const;  // not finite if any gradient is not

  /// The first that holds an infinity or no number. A step with one must not be taken: whoever trains decides
  /// what happens instead.
  const std::optional<std::string>& not_finite() const { return not_finite_; }

  /// What gradients are multiplied with so that their norm is at most `largest`; 1 if largest is 0 (no
  /// clipping).
  double clip_scale(double largest) const;

 private:
  double squares_ = 0;
  std::optional<std::string> not_finite_;
};

}  // namespace nestor::train
