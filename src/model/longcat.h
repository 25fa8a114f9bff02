// The family's model behind model/model.h: the mathematics stands in longcat.cpp, what drafts add to it in
// draft_rows.cpp, and the bookkeeping of sequences in model.cpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "kernels/ops.h"
#include "layers/observer.h"
#include "model/drafting.h"
#include "model/input_squares.h"
#include "model/model.h"
#include "model/sequences.h"
#include "model/weights.h"

namespace nestor::model {

class LongcatModel final : public Model {
 public:
  LongcatModel(config::ModelConfig config, std::shared_ptr<const checkpoint::Checkpoint> files,
               const ModelOptions& options);

  const lm::Info& info() const override { return info_; }
  lm::SequenceId open() override { return sequences_.open(); }
  lm::SequenceId fork(lm::SequenceId source, std::int64_t length) override {
    const lm::SequenceId forked = sequences_.fork(source, length);
    if (drafting_) drafting_->fork(source, forked, length);
    return forked;
  }
  void truncate(lm::SequenceId sequence, std::int64_t length) override {
    sequences_.truncate(sequence, length);
    if (drafting_) drafting_->truncate(sequence, length);
  }
  void close(lm::SequenceId sequence) override {
    if (drafting_) drafting_->forget(sequence);
    sequences_.close(sequence);
  }
  std::span<const TokenId> history(lm::SequenceId sequence) const override {
    return sequences_.get(sequence).history;
  }
  std::int64_t pages_to_append(lm::SequenceId sequence, std::int64_t tokens) const override {
    return sequences_.pages_to_append(sequence, tokens);
  }
  lm::Memory memory() const override;
  lm::Counters counters() const override;
  lm::Logits forward(std::span<const lm::Chunk> batch) override;
  lm::Logits forward(std::span<const lm::Chunk> batch, layers::Observer& observer) override;
  bool can_draft(lm::SequenceId sequence) const override {
    return drafting_ && drafting_->ready(sequence, std::ssize(history(sequence)));
  }
  lm::Logits draft(std::span<const lm::Supposed> tokens) override;

  const InputSquares& collect_inputs() override;
  const config::ModelConfig& config() const override { return config_; }
  const kernels::OpTable& ops() const override { return ops_; }
  const std::array<std::uint64_t, kernels::kFormats>& matrix_bytes() const override {
    return weights_.matrix_bytes;
  }
  void read_by(const kernels::Streams& streams) override { streams_ = streams; }
  const kernels::Streams& streams() const override { return streams_; }
  const kernels::Work& work() const override { return work_; }
  std::size_t working_bytes() const override { return arena_.bytes(); }

 private:
  // The rows of one forward pass, sequence after sequence. Memory is kept from one to the next.
  struct Step {
    std::vector<kernels::AttendRow> rows;
    std::vector<std::int64_t> positions;
    // Rows that leave the last layer because they get logits or are drafted after: which, and the two again
    // for them alone. Those with logits, as indices of `wanted`.
    std::vector<std::int32_t> wanted, with_logits;
    std::vector<kernels::AttendRow> wanted_rows;
    std::vector<std::int64_t> wanted_positions;
    ngram::Lookup lookup;
    ngram::Lookup not_supposed;              // rows whose embedding no draft has computed
    std::vector<std::int64_t> drafted_from;  // rows of each chunk that are kept for drafts, the last ones
  };

  void check_id(TokenId id) const;
  void check(std::span<const lm::Chunk> batch) const;
  void append(std::span<const lm::Chunk> batch);
  void roll_back(std::span<const lm::Chunk> batch, std::size_t count);
  void set_step(std::span<const lm::Chunk> batch);
  // What leaves the last layer: all rows where somebody looks at them, else those that get logits.
  enum class Leaving { all, wanted };
  lm::Logits advance(std::span<const lm::Chunk> batch, Leaving leaving, layers::Observer& observer);
  lm::Logits compute(std::span<const lm::Chunk> batch, Leaving leaving, layers::Observer& observer);
  void embed(const kernels::Context& ctx, kernels::Rows h, layers::Observer& observer);
  void embed_after_drafts(const kernels::Context& ctx, std::span<const lm::Chunk> batch, kernels::Rows h);
  kernels::Rows rows_to_keep(std::span<const lm::Chunk> batch, kernels::Rows h);
  void keep(std::span<const lm::Chunk> batch, Leaving leaving, kernels::Rows embedded, kernels::Rows hidden);
  kernels::Context context() { return {ops_, team_, arena_, work_, inputs_ ? &*inputs_ : nullptr, streams_}; }

  config::ModelConfig config_;
  lm::Info info_;
  Weights weights_;
  layers::Rotary rotary_;
  layers::AttentionShape attention_;
  kernels::RecordLayout records_;  // of attention 0; the others follow inside a page
  Sequences sequences_;
  kernels::Team team_;
  kernels::Arena arena_;
  kernels::Work work_;
  const kernels::OpTable& ops_;
  kernels::Streams streams_;
  std::optional<InputSquares> inputs_;
  Step step_;
  std::vector<float> logits_, draft_logits_;
  std::optional<Drafting> drafting_;
};

}  // namespace nestor::model
