// The LongCat-Flash family on our kernels: a configuration and a checkpoint -> an lm::LanguageModel, and what
// it tells beyond that contract.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "config/model_config.h"
#include "lm/language_model.h"

namespace nestor::checkpoint {
class Checkpoint;
}
namespace nestor::kernels {
struct OpTable;
class Streams;
struct Work;
}  // namespace nestor::kernels
namespace nestor::layers {
class Observer;
}

namespace nestor::model {

class InputSquares;

/// Numbers of the latent cache.
enum class CacheFormat { f32, bf16, q8 };

/// Whether the draft block is loaded, and whose embeddings it takes: the target's n-gram embedding, or the
/// word table that the checkpoint has for it.
enum class DraftBlock { none, ngram_embedding, word_embedding };

struct ModelOptions {
  const kernels::OpTable* ops = nullptr;  // the kernel set (kernels/registry.h); required
  int threads = 1;
  std::int64_t context_limit = 0;  // tokens per sequence; 0 = max_position_embeddings
  CacheFormat cache_format = CacheFormat::f32;
  std::int64_t cache_bytes = 0;         // for the pages of the latent cache, which grow to that; 0 = no limit
  DraftBlock draft = DraftBlock::none;  // lm::LanguageModel::draft()
};

/// Bytes of the latent cache for one token.
std::int64_t cache_bytes_per_token(const config::ModelConfig& config, CacheFormat cache_format);

/// For measuring, observing and tests; whoever only computes takes the lm::LanguageModel.
class Model : public lm::LanguageModel {
 public:
  using lm::LanguageModel::forward;

  /// forward(), showing activations. Names: "embed", "model.embedding_norm", "model.layers.N.self_attn.S",
  /// ".mlp", ".mlps.S.embedding", ".mlps.S", "model.layers.N", "model.norm", "logits" (of the rows that have
  /// them).
  virtual lm::Logits forward(std::span<const lm::Chunk> batch, layers::Observer& observer) = 0;

  /// From now on, what matrices are multiplied with is summed up. Error(unsupported) for a quantized
  /// checkpoint: its inputs are rounded themselves.
  virtual const InputSquares& collect_inputs() = 0;

  virtual const config::ModelConfig& config() const = 0;
  /// The kernel set in use.
  virtual const kernels::OpTable& ops() const = 0;
  /// Bytes of matrices by format, quant::Format being the index.
  virtual const std::array<std::uint64_t, 6>& matrix_bytes() const = 0;
  /// From now on, weights are read so; what is built in until then. No number changes.
  virtual void read_by(const kernels::Streams& streams) = 0;
  virtual const kernels::Streams& streams() const = 0;
  /// What all forward passes together executed.
  virtual const kernels::Work& work() const = 0;
  /// Working memory of forward passes that is held.
  virtual std::size_t working_bytes() const = 0;
};

/// Throws Error for a checkpoint that does not fit the configuration, a context limit beyond the model's, or
/// cache_bytes that hold no page.
std::unique_ptr<Model> open_model(config::ModelConfig config,
                                  std::shared_ptr<const checkpoint::Checkpoint> files,
                                  const ModelOptions& options);

}  // namespace nestor::model
