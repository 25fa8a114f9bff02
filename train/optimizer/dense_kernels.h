// Loops over the elements of dense parameters. Compiled for several instruction sets, with the same bits in
// all.
#pragma once

#include <cstdint>
#include <span>

namespace nestor::train {

/// One step of AdamW (Loshchilov, Hutter 2019) on some elements: with g = gradient_scale * gradient,
///   m = m + (1 - beta1) (g - m),  v = v + (1 - beta2) (g^2 - v),
///   p = keep * p - size m / (sqrt(v) + epsilon).
struct AdamRule {
  float size = 0;              // lr sqrt(1 - beta2^s) / (1 - beta1^s)
  float epsilon = 0;           // eps sqrt(1 - beta2^s)
  float take1 = 1, take2 = 1;  // 1 - beta1, 1 - beta2
  float keep = 1;              // 1 - lr * weight decay
  float gradient_scale = 1;
};
void adam_elements(std::span<float> p, std::span<const float> gradient, std::span<float> m,
                   std::span<float> v, const AdamRule& rule);

/// Momentum after Nesterov: buffer = momentum buffer + g; direction = g + momentum buffer.
struct MomentumRule {
  float momentum = 0;
  float gradient_scale = 1;
};
void momentum_elements(std::span<const float> gradient, std::span<float> buffer, std::span<float> direction,
                       const MomentumRule& rule);

/// p = keep * p - rate * direction.
void descend_elements(std::span<float> p, std::span<const float> direction, float rate, float keep);

/// In double, in an order that depends on nothing but the length.
double square_sum(std::span<const float> x);

}  // namespace nestor::train
