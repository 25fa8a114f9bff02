// ids -> n-gram embedding -> shortcut layers -> norm -> head -> logits: LongcatModel::compute, below, is the
// whole model, with its variants: a norm of the embedding, and embeddings of single layers.
#include "model/longcat.h"

#include <algorithm>

namespace nestor::model {

void LongcatModel::set_step(std::span<const lm::Chunk> batch) {
  step_.rows.clear();
  step_.positions.clear();
  step_.wanted.clear();
  step_.with_logits.clear();
  step_.drafted_from.clear();
  step_.wanted_rows.clear();
  step_.wanted_positions.clear();
  step_.lookup.clear();
  for (const lm::Chunk& chunk : batch) {
    const SequenceState& sequence = sequences_.get(chunk.sequence);
    const std::size_t first = sequence.history.size() - chunk.ids.size();
    step_.lookup.add(sequence.history, first);
    const std::int64_t kept =
        drafting_ ? std::min({chunk.drafted_from, std::ssize(chunk.ids), Drafting::kWindow}) : 0;
    step_.drafted_from.push_back(kept);
    for (std::size_t i = first; i < sequence.history.size(); ++i) {
      const auto position = static_cast<std::int64_t>(i);
      const kernels::AttendRow row = {sequence.page_data.data(), position + 1};
      const std::int64_t from_end = std::ssize(sequence.history) - position;
      if (from_end <= std::max(chunk.logits, kept)) {
        if (from_end <= chunk.logits)
          step_.with_logits.push_back(static_cast<std::int32_t>(step_.wanted.size()));
        step_.wanted.push_back(static_cast<std::int32_t>(step_.rows.size()));
        step_.wanted_rows.push_back(row);
        step_.wanted_positions.push_back(position);
      }
      step_.rows.push_back(row);
      step_.positions.push_back(position);
    }
  }
}

lm::Logits LongcatModel::compute(std::span<const lm::Chunk> batch, Leaving leaving,
                                 layers::Observer& observer) {
  const kernels::SubnormalsAreZero guard;  // the team's other threads have their own
  const kernels::Context ctx = context();
  const kernels::Arena::Scope scope(arena_);
  const std::int64_t hidden = config_.hidden_size;
  const auto norm_eps = static_cast<float>(config_.rms_norm_eps);
  set_step(batch);
  const auto rows = static_cast<std::int64_t>(step_.rows.size());

  // The N-gram Embedding is the start of the residual stream.
  const kernels::Rows h = kernels::take_rows(arena_, rows, hidden);
  if (drafting_ && leaving == Leaving::wanted) {
    embed_after_drafts(ctx, batch, h);
  } else {
    embed(ctx, h, observer);
  }
  const kernels::Rows embedded = rows_to_keep(batch, h);

  // What nobody asks for is not computed.
  const auto wanted_rows = static_cast<std::int64_t>(step_.wanted.size());
  const std::int64_t left = leaving == Leaving::all ? rows : wanted_rows;
  const layers::RotaryAngles angles(arena_, rotary_, step_.positions);
  const layers::RotaryAngles wanted_angles(arena_, rotary_, step_.wanted_positions);
  kernels::RecordLayout records = records_;
  const auto next_cache = [&] {
    const layers::StepCache cache{records, step_.rows, angles};
    records.module_offset += kernels::module_bytes(records);
    return cache;
  };
  for (std::size_t n = 0; n < weights_.layers.size(); ++n) {
    const kernels::Arena::Scope layer_scope(arena_);
    const auto first_cache = next_cache();
    const auto second_cache = next_cache();
    std::optional<kernels::Rows> embedding;  // layers get the rows of their tables, they do not fetch them
    if (!weights_.layer_embeddings.empty()) {
      embedding = kernels::take_rows(arena_, rows, config_.ffn_hidden_size);
      weights_.layer_embeddings[n].embed(ctx, step_.lookup, *embedding);
    }
    std::optional<layers::WantedRows> wanted;
    if (n + 1 == weights_.layers.size() && left < rows)
      wanted.emplace(
          layers::WantedRows{step_.wanted, {second_cache.layout, step_.wanted_rows, wanted_angles}});
    layers::shortcut_layer(ctx, attention_, norm_eps, weights_.layers[n], {first_cache, second_cache},
                           embedding, h, wanted, observer);
  }

  kernels::rms_norm(ctx, h, left, {weights_.final_norm, hidden, norm_eps, 1.0F}, h);
  observer.see("model.norm", "", h, left, hidden);
  if (drafting_) keep(batch, leaving, embedded, h);
  const auto count = static_cast<std::int64_t>(step_.with_logits.size());
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t at = step_.with_logits[static_cast<std::size_t>(i)];
    if (leaving == Leaving::all) at = step_.wanted[static_cast<std::size_t>(at)];
    if (at != i) std::copy_n(h.row(at), hidden, h.row(i));
  }
  logits_.resize(static_cast<std::size_t>(count * config_.vocab_size));
  const kernels::Rows logits{logits_.data(), config_.vocab_size};
  kernels::matmul(ctx, h, count, weights_.head, logits);
  observer.see("logits", "", logits, count, config_.vocab_size);
  return {logits_, config_.vocab_size};
}

void LongcatModel::embed(const kernels::Context& ctx, kernels::Rows h, layers::Observer& observer) {
  const auto rows = static_cast<std::int64_t>(step_.rows.size());
  const std::int64_t hidden = config_.hidden_size;
  weights_.embedding->embed(ctx, step_.lookup, h);
  observer.see("embed", "", h, rows, hidden);
  if (!weights_.embedding_norm) return;
  kernels::layer_norm(ctx, h, rows, *weights_.embedding_norm, hidden,
                      static_cast<float>(config_.rms_norm_eps), h);
  observer.see("model.embedding_norm", "", h, rows, hidden);
}

}  // namespace nestor::model
