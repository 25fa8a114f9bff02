// How much was computed: what speeds are shares of.
#pragma once

#include <cstdint>

namespace nestor::kernels {

/// What operations executed, in all calls together.
struct Work {
  std::int64_t weight_bytes = 0;    // of matrices, each call counted once however many rows shared it
  std::int64_t code_products = 0;   // multiply-adds of codes of eight bits
  std::int64_t float_products = 0;  // multiply-adds of float32
};

}  // namespace nestor::kernels
