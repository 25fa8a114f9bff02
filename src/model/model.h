// The LongCat-Flash family on our kernels: an lm::LanguageModel made of a configuration and a checkpoint.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "config/model_config.h"
#include "kernels/ops.h"
#include "layers/observer.h"
#include "lm/language_model.h"
#include "model/input_squares.h"
#include "model/sequences.h"
#include "model/weights.h"

namespace nestor::model {

struct ModelOptions {
  const kernels::OpTable* ops = nullptr;  // the kernel set; required
  int threads = 1;
  std::int64_t context_limit = 0;                       // tokens per sequence; 0 = max_position_embeddings
  kernels::Format cache_format = kernels::Format::f32;  // f32, bf16 or q8
  std::int64_t cache_bytes = 0;  // for the pages of the latent cache, which grow to that; 0 = no limit
};

/// Bytes of the latent cache for one token.
std::int64_t cache_bytes_per_token(const config::ModelConfig& config, kernels::Format cache_format);

class Model final : public lm::LanguageModel {
 public:
  /// Throws Error for a checkpoint that does not fit the configuration, a context limit beyond the model's,
  /// or cache_bytes that hold no page.
  Model(config::ModelConfig config, std::shared_ptr<const checkpoint::Checkpoint> files,
        const ModelOptions& options);

  const lm::Info& info() const override { return info_; }
  lm::SequenceId open() override { return sequences_.open(); }
  lm::SequenceId fork(lm::SequenceId source, std::int64_t length) override {
    return sequences_.fork(source, length);
  }
  void truncate(lm::SequenceId sequence, std::int64_t length) override {
    sequences_.truncate(sequence, length);
  }
  void close(lm::SequenceId sequence) override { sequences_.close(sequence); }
  std::span<const TokenId> history(lm::SequenceId sequence) const override {
    return sequences_.get(sequence).history;
  }

  lm::Memory memory() const override;
  lm::Counters counters() const override;
  std::int64_t pages_to_append(lm::SequenceId sequence, std::int64_t tokens) const override {
    return sequences_.pages_to_append(sequence, tokens);
  }

  lm::Logits forward(std::span<const lm::Chunk> batch) override;

  /// The same, showing activations. Names: "embed", "model.embedding_norm",
  /// "model.layers.N.self_attn.S", ".mlp", ".mlps.S.embedding", ".mlps.S", "model.layers.N", "model.norm",
  /// "logits" (of the rows that have them).
  lm::Logits forward(std::span<const lm::Chunk> batch, layers::Observer& observer);

  /// From now on, what matrices are multiplied with is summed up. Error(unsupported) for a quantized
  /// checkpoint: its inputs are rounded themselves.
  const InputSquares& collect_inputs();

  const config::ModelConfig& config() const { return config_; }
  /// The name of the kernel set in use.
  const char* kernel_set() const { return ops_.name; }
  /// What all forward passes together executed.
  const kernels::Work& work() const { return work_; }
  /// Working memory of forward passes that is held.
  std::size_t working_bytes() const { return arena_.bytes(); }

 private:
  /// The rows of one forward pass, sequence after sequence. Memory is kept from one to the next.
  struct Step {
    std::vector<kernels::AttendRow> rows;
    std::vector<std::int64_t> positions;
    std::vector<std::int64_t> wanted;  // rows that get logits
    ngram::Lookup lookup;
  };

  void check(std::span<const lm::Chunk> batch) const;
  void append(std::span<const lm::Chunk> batch);
  void roll_back(std::span<const lm::Chunk> batch, std::size_t count);
  void set_step(std::span<const lm::Chunk> batch);
  lm::Logits compute(std::span<const lm::Chunk> batch, layers::Observer& observer);

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
  std::optional<InputSquares> inputs_;
  Step step_;
  std::vector<float> logits_;
};

}  // namespace nestor::model
