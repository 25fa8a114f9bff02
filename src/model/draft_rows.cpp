// What drafts add to the model: rows that are kept for them, embeddings that they have computed, and their
// own logits.
#include "model/longcat.h"

#include <algorithm>

namespace nestor::model {

// As embed(), but what drafts have embedded is taken from them.
void LongcatModel::embed_after_drafts(const kernels::Context& ctx, std::span<const lm::Chunk> batch,
                                      kernels::Rows h) {
  const kernels::Arena::Scope scope(arena_);
  layers::Observer nobody;
  const std::int64_t hidden = config_.hidden_size;
  const auto supposed = arena_.take_span<std::span<const float>>(std::ssize(batch));
  std::int64_t missing = 0;
  step_.not_supposed.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto& text = sequences_.get(batch[i].sequence).history;
    const std::int64_t first = std::ssize(text) - std::ssize(batch[i].ids);
    supposed[i] = drafting_->embedded(batch[i].sequence, first, batch[i].ids);
    const std::int64_t known = std::ssize(supposed[i]) / hidden;
    missing += std::ssize(batch[i].ids) - known;
    if (known < std::ssize(batch[i].ids))
      step_.not_supposed.add(text, static_cast<std::size_t>(first + known));
  }
  if (missing == std::ssize(step_.rows)) return embed(ctx, h, nobody);

  const kernels::Rows computed = kernels::take_rows(arena_, std::max<std::int64_t>(1, missing), hidden);
  if (missing > 0) weights_.embedding->embed(ctx, step_.not_supposed, computed);
  if (missing > 0 && weights_.embedding_norm) {
    kernels::layer_norm(ctx, computed, missing, *weights_.embedding_norm, hidden,
                        static_cast<float>(config_.rms_norm_eps), computed);
  }
  std::int64_t row = 0, next = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::int64_t known = std::ssize(supposed[i]) / hidden;
    for (std::int64_t t = 0; t < std::ssize(batch[i].ids); ++t, ++row) {
      const float* from = t < known ? supposed[i].data() + t * hidden : computed.row(next++);
      std::copy_n(from, hidden, h.row(row));
    }
  }
}

// A copy of the embeddings that are kept for drafts.
kernels::Rows LongcatModel::rows_to_keep(std::span<const lm::Chunk> batch, kernels::Rows h) {
  std::int64_t kept = 0;
  for (const std::int64_t rows : step_.drafted_from) kept += rows;
  if (kept == 0) return {};
  const kernels::Rows embedded = kernels::take_rows(arena_, kept, config_.hidden_size);
  std::int64_t row = 0, next = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    row += std::ssize(batch[i].ids);
    for (std::int64_t t = row - step_.drafted_from[i]; t < row; ++t)
      std::copy_n(h.row(t), config_.hidden_size, embedded.row(next++));
  }
  return embedded;
}

// Gives drafts their rows: embeddings as rows_to_keep() copied them, and hidden rows as they left.
void LongcatModel::keep(std::span<const lm::Chunk> batch, Leaving leaving, kernels::Rows embedded,
                        kernels::Rows hidden) {
  std::int64_t row = 0, next = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::int64_t kept = step_.drafted_from[i];
    row += leaving == Leaving::all ? std::ssize(batch[i].ids) : std::max(batch[i].logits, kept);
    if (kept == 0) continue;
    drafting_->keep(batch[i].sequence, std::ssize(history(batch[i].sequence)), kept,
                    {embedded.row(next), embedded.stride}, {hidden.row(row - kept), hidden.stride});
    next += kept;
  }
}

lm::Logits LongcatModel::draft(std::span<const lm::Supposed> tokens) {
  if (!drafting_) return lm::LanguageModel::draft(tokens);
  for (const auto& [sequence, id] : tokens) check_id(id);
  const kernels::SubnormalsAreZero guard;
  const kernels::Context ctx = context();
  const kernels::Arena::Scope scope(arena_);
  const kernels::Rows z = kernels::take_rows(arena_, std::ssize(tokens), config_.hidden_size);
  const bool own_embedding = weights_.draft_embedding.has_value();
  drafting_->guess(ctx,
                   {*weights_.draft, own_embedding ? *weights_.draft_embedding : *weights_.embedding,
                    weights_.embedding_norm, attention_, rotary_, static_cast<float>(config_.rms_norm_eps)},
                   tokens, *this, z);
  draft_logits_.resize(tokens.size() * static_cast<std::size_t>(config_.vocab_size));
  const kernels::Rows logits{draft_logits_.data(), config_.vocab_size};
  kernels::matmul(ctx, z, std::ssize(tokens), weights_.head, logits);
  return {draft_logits_, config_.vocab_size};
}

}  // namespace nestor::model
