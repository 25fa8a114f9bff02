// How much was computed: what speeds are shares of.
#pragma once

#include <cstdint>

namespace nestor::kernels {

/// What operations executed, in all calls together.
struct Work {
  std::int64_t weight_bytes = 0;      // of matrices, each call counted once however many rows shared it
  std::int64_t code_products = 0;     // multiply-adds of codes of eight bits
  std::int64_t float_products = 0;    // multiply-adds of float32
  std::int64_t rounded_products = 0;  // multiply-adds of activations rounded to bfloat16

  std::int64_t products() const { return code_products + float_products + rounded_products; }
  Work& operator+=(const Work& more) {
    weight_bytes += more.weight_bytes;
    code_products += more.code_products;
    float_products += more.float_products;
    rounded_products += more.rounded_products;
    return *this;
  }
  /// What was added since `before`.
  Work since(const Work& before) const {
    return {weight_bytes - before.weight_bytes, code_products - before.code_products,
            float_products - before.float_products, rounded_products - before.rounded_products};
  }
};

}  // namespace nestor::kernels
