// Multi-head latent attention, absorbed form: the cache holds one latent and one rotary key per
// position, queries are brought into the latent space, and values come out of it at the end.
#pragma once

#include <span>

#include "config/model_config.h"
#include "kernels/attend.h"
#include "kernels/ops.h"
#include "layers/rotary.h"

namespace nestor::layers {

/// Sizes and factors, the same for every attention of a model.
struct AttentionShape {
  std::int64_t hidden;   // H
  std::int64_t heads;    // A
  std::int64_t q_rank;   // q_lora_rank
  std::int64_t kv_rank;  // R, kv_lora_rank
  std::int64_t nope;     // qk_nope_head_dim
  std::int64_t rope;     // P, qk_rope_head_dim
  std::int64_t value;    // v_head_dim
  float norm_eps;        // of the two latent norms
  float q_factor;        // sqrt(H / q_rank), times the softmax scale
  float kv_factor;       // sqrt(H / kv_rank)
};

AttentionShape attention_shape(const config::ModelConfig& config, const Rotary& rotary);

struct AttentionWeights {
  kernels::MatrixView q_a;   // [q_rank, H]
  const float* q_norm;       // [q_rank]
  kernels::MatrixView q_b;   // [A * (nope + rope), q_rank], head by head
  kernels::MatrixView kv_a;  // [R + P, H]
  const float* kv_norm;      // [R]
  kernels::MatrixView kv_b;  // [A * (nope + value), R], head by head: keys, then values
  kernels::MatrixView o;     // [H, A * value]
};

/// The rows of a step: where each one's records lie and the angles of its position.
struct StepCache {
  kernels::RecordLayout layout;              // of the attention at hand
  std::span<const kernels::AttendRow> rows;  // the last position of row t is its own
  const RotaryAngles& angles;
};

/// out [T, H] from normalised x [T, H], which has codes if kv_a or q_a take them; writes the records of the T
/// positions first. Rows of one sequence must be in ascending order of position.
void attention(const kernels::Context& ctx, const AttentionShape& shape, const AttentionWeights& w,
               const StepCache& cache, const kernels::Input& x, kernels::Rows out);

/// The two halves of attention(): the records alone, and what rows see whose records are written, their own
/// included.
void remember(const kernels::Context& ctx, const AttentionShape& shape, const AttentionWeights& w,
              const StepCache& cache, const kernels::Input& x);
void recall(const kernels::Context& ctx, const AttentionShape& shape, const AttentionWeights& w,
            const StepCache& cache, const kernels::Input& x, kernels::Rows out);

}  // namespace nestor::layers
