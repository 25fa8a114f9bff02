// What the nodes of the operations share: which tensors they serve, access to rows, and the ways work is
// split over threads. Not for use outside train/ops.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "train/ops/loops.h"
#include "train/ops/ops.h"

namespace nestor::train::ops {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// True if the hand-written nodes serve x; all else goes to `plain`.
inline bool served(const Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kFloat64);
}

/// True if they serve products of x in that precision: bfloat16 stands beside float32 only.
inline bool served(const Tensor& x, Products products) {
  return served(x) && (products == Products::f32 || x.scalar_type() == torch::kFloat32);
}

/// The type that operands of products are stored in.
inline torch::ScalarType stored_type(const Tensor& x, Products products) {
  return products == Products::bf16 ? torch::kBFloat16 : x.scalar_type();
}

/// body(S{}) for x's number type S.
template <class Body>
void for_type(const Tensor& x, const Body& body) {
  if (x.scalar_type() == torch::kFloat64) return body(double{});
  body(float{});
}

/// body(S{}, Stored{}) for x's number type S and the type that operands of products are stored in.
template <class Body>
void for_types(const Tensor& x, Products products, const Body& body) {
  if (x.scalar_type() == torch::kFloat64) return body(double{}, double{});
  if (products == Products::bf16) return body(float{}, c10::BFloat16{});
  body(float{}, float{});
}

/// A stored row as numbers to compute with; `space` has room for n of them.
template <class S>
const S* load_row(const S* row, std::int64_t, S*) {
  return row;
}
inline const float* load_row(const c10::BFloat16* row, std::int64_t n, float* space) {
  loops::widen(reinterpret_cast<const std::uint16_t*>(row), n, space);
  return space;
}

template <class S>
void store_row(const S* values, std::int64_t n, S* row) {
  if (values != row) std::memcpy(row, values, static_cast<std::size_t>(n) * sizeof(S));
}
inline void store_row(const float* values, std::int64_t n, c10::BFloat16* row) {
  loops::narrow(values, n, reinterpret_cast<std::uint16_t*>(row));
}

/// body(begin, end) over pieces of [0, rows); a piece is worth a thread from some 16384 numbers on.
template <class Body>
void over_rows(std::int64_t rows, std::int64_t width, const Body& body) {
  at::parallel_for(0, rows, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, width)), body);
}

/// task(i) once for each i below count, by whichever thread is free; fewer tasks than threads run one after
/// the other, so that products inside them may use all threads. Tensors inside tasks have no gradient.
template <class Task>
void over_tasks(std::int64_t count, const Task& task) {
  const std::int64_t threads = at::get_num_threads();
  const auto run = [&](std::int64_t i) {
    const at::AutoDispatchBelowAutograd below;
    task(i);
  };
  if (count < threads) {
    for (std::int64_t i = 0; i < count; ++i) run(i);
    return;
  }
  std::atomic<std::int64_t> next = 0;
  at::parallel_for(0, threads, 1, [&](std::int64_t, std::int64_t) {
    for (std::int64_t i = next++; i < count; i = next++) run(i);
  });
}

}  // namespace nestor::train::ops
