// The two loops over rows: reading what the model sees, and one optimizer step. Compiled for several
// instruction sets; every one of them gives the same bits (no reassociation, no contraction, sums in a fixed
// order).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "train/tables/catch_up.h"
#include "train/tables/row_format.h"

namespace nestor::train {

/// What all rows of a step share.
struct RowRule {
  recipe::TableOptimizer::Kind kind = recipe::TableOptimizer::Kind::row_adam;
  float size = 0;              // a_s of catch_up.h; the learning rate of row_adagrad
  float epsilon = 0;           // times sqrt(1 - beta2^s) for the Adam kinds
  float plain_epsilon = 0;     // of the missed steps
  float take1 = 1, take2 = 1;  // 1 - beta1, 1 - beta2
  float gradient_scale = 1;
  std::uint32_t step = 1;
  std::uint64_t seed = 0;  // of the table; with step, row and column it decides how a number is rounded
  std::span<const float> drift;
  const Decay* first = nullptr;
  const Decay* second = nullptr;
};

/// out [rows, width]: values as of the steps that `drift` covers.
void gather_rows(const RowFormat& format, const std::byte* base, std::span<const std::int64_t> rows,
                 std::span<const float> drift, float plain_epsilon, float* out);

/// gradients [rows, width].
void update_rows(const RowFormat& format, std::byte* base, std::span<const std::int64_t> rows,
                 const float* gradients, const RowRule& rule);

/// Value without rounding error where `numbers` can hold it, else the nearest. Moments become zero.
void assign_rows(const RowFormat& format, std::byte* base, std::int64_t first, std::int64_t count,
                 const float* values);

}  // namespace nestor::train
