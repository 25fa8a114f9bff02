#include "layers/draft_block.h"

#include <array>

namespace nestor::layers {

void draft_block(const kernels::Context& ctx, const AttentionShape& shape, float norm_eps,
                 const DraftBlockWeights& w, const StepCache& cache, kernels::Rows embedding,
                 kernels::Rows hidden, kernels::Rows z) {
  const kernels::Arena::Scope scope(ctx.arena);
  const auto rows = static_cast<std::int64_t>(cache.rows.size());
  const std::int64_t size = shape.hidden;
  const auto norm = [&](const float* weight) { return kernels::RmsNorm{weight, size, norm_eps, 1.0F}; };
  const kernels::Rows joined = kernels::take_rows(ctx.arena, rows, 2 * size);
  const kernels::Rows x = kernels::take_rows(ctx.arena, rows, size);
  const kernels::Rows normed = kernels::take_rows(ctx.arena, rows, size);
  const kernels::Rows y = kernels::take_rows(ctx.arena, rows, size);

  kernels::rms_norm(ctx, embedding, rows, norm(w.embedding_norm), joined);
  kernels::rms_norm(ctx, hidden, rows, norm(w.hidden_norm), {joined.data + size, joined.stride});
  kernels::matmul(ctx, joined, rows, w.join, x);

  const std::array attention_readers = {&w.attention.kv_a, &w.attention.q_a};
  attention(ctx, shape, w.attention, cache,
            kernels::normed_input(ctx, x, rows, norm(w.input_norm), normed,
                                  kernels::forms_of(ctx, attention_readers)),
            y);
  kernels::add_scaled(ctx, y, rows, size, 1.0F, x);

  const std::array mlp_readers = {&w.mlp.gate, &w.mlp.up};
  kernels::feed_forward(ctx, w.mlp,
                        kernels::normed_input(ctx, x, rows, norm(w.post_attention_norm), normed,
                                              kernels::forms_of(ctx, mlp_readers)),
                        y);
  kernels::add_scaled(ctx, y, rows, size, 1.0F, x);
  kernels::rms_norm(ctx, x, rows, norm(w.norm), z);
}

}  // namespace nestor::layers
