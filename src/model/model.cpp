// ids -> n-gram embedding -> shortcut layers -> norm -> head -> logits: LongcatModel::compute, below, is the
// whole model, with its variants: a norm of the embedding, and embeddings of single layers.
#include "model/model.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/ops.h"
#include "layers/observer.h"
#include "model/input_squares.h"
#include "model/sequences.h"
#include "model/weights.h"

namespace nestor::model {
namespace {

// Positions in a page of the latent cache. For LongCat-Flash-Lite in bf16 a page is 28 * 64 * 1152 bytes,
// about 2 MB.
constexpr std::int64_t kPagePositions = 64;

kernels::Format format_of(CacheFormat format) {
  if (format == CacheFormat::f32) return kernels::Format::f32;
  return format == CacheFormat::bf16 ? kernels::Format::bf16 : kernels::Format::q8;
}

kernels::RecordLayout record_layout(const config::ModelConfig& c, CacheFormat format) {
  return {format_of(format), c.kv_lora_rank, c.kv_lora_rank + c.qk_rope_head_dim, kPagePositions, 0};
}

std::int64_t context_limit(const config::ModelConfig& c, std::int64_t wanted) {
  if (wanted > c.max_position_embeddings || wanted < 0) {
    fail(ErrorKind::usage,
         "a context of {} tokens was asked for, the model takes 1 to {} (max_position_embeddings)", wanted,
         c.max_position_embeddings);
  }
  return wanted == 0 ? c.max_position_embeddings : wanted;
}

PagePool page_pool(std::int64_t page_bytes, std::int64_t cache_bytes) {
  if (cache_bytes == 0) return {page_bytes, lm::Memory::unlimited};
  if (cache_bytes < page_bytes) {
    fail(ErrorKind::usage,
         "{} bytes were given to the latent cache, but {} positions of this model take {}: give it more",
         cache_bytes, kPagePositions, page_bytes);
  }
  return {page_bytes, cache_bytes / page_bytes};
}

class LongcatModel final : public Model {
 public:
  LongcatModel(config::ModelConfig config, std::shared_ptr<const checkpoint::Checkpoint> files,
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
  std::int64_t pages_to_append(lm::SequenceId sequence, std::int64_t tokens) const override {
    return sequences_.pages_to_append(sequence, tokens);
  }
  lm::Memory memory() const override;
  lm::Counters counters() const override;
  lm::Logits forward(std::span<const lm::Chunk> batch) override;
  lm::Logits forward(std::span<const lm::Chunk> batch, layers::Observer& observer) override;

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
    // Rows that get logits: which, and the two again for them alone.
    std::vector<std::int32_t> wanted;
    std::vector<kernels::AttendRow> wanted_rows;
    std::vector<std::int64_t> wanted_positions;
    ngram::Lookup lookup;
  };

  void check(std::span<const lm::Chunk> batch) const;
  void append(std::span<const lm::Chunk> batch);
  void roll_back(std::span<const lm::Chunk> batch, std::size_t count);
  void set_step(std::span<const lm::Chunk> batch);
  // What leaves the last layer: all rows where somebody looks at them, else those that get logits.
  enum class Leaving { all, wanted };
  lm::Logits advance(std::span<const lm::Chunk> batch, Leaving leaving, layers::Observer& observer);
  lm::Logits compute(std::span<const lm::Chunk> batch, Leaving leaving, layers::Observer& observer);

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
  std::vector<float> logits_;
};

LongcatModel::LongcatModel(config::ModelConfig config, std::shared_ptr<const checkpoint::Checkpoint> files,
                           const ModelOptions& options)
    : config_(std::move(config)),
      info_{config_.vocab_size, context_limit(config_, options.context_limit), config_.eos_token_ids},
      weights_(load_weights(config_, std::move(files))),
      rotary_(layers::rotary_of(config_)),
      attention_(layers::attention_shape(config_, rotary_)),
      records_(record_layout(config_, options.cache_format)),
      sequences_(page_pool(config_.attentions() * kernels::module_bytes(records_), options.cache_bytes),
                 kPagePositions),
      team_(options.threads),
      ops_(*options.ops) {}

void LongcatModel::set_step(std::span<const lm::Chunk> batch) {
  step_.rows.clear();
  step_.positions.clear();
  step_.wanted.clear();
  step_.wanted_rows.clear();
  step_.wanted_positions.clear();
  step_.lookup.clear();
  for (const lm::Chunk& chunk : batch) {
    const SequenceState& sequence = sequences_.get(chunk.sequence);
    const std::size_t first = sequence.history.size() - chunk.ids.size();
    step_.lookup.add(sequence.history, first);
    for (std::size_t i = first; i < sequence.history.size(); ++i) {
      const auto position = static_cast<std::int64_t>(i);
      const kernels::AttendRow row = {sequence.page_data.data(), position + 1};
      if (std::ssize(sequence.history) - position <= chunk.logits) {
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
  const kernels::Context ctx{ops_, team_, arena_, work_, inputs_ ? &*inputs_ : nullptr, streams_};
  const kernels::Arena::Scope scope(arena_);
  const std::int64_t hidden = config_.hidden_size;
  const auto norm_eps = static_cast<float>(config_.rms_norm_eps);
  set_step(batch);
  const auto rows = static_cast<std::int64_t>(step_.rows.size());

  // The N-gram Embedding is the start of the residual stream.
  const kernels::Rows h = kernels::take_rows(arena_, rows, hidden);
  weights_.embedding->embed(ctx, step_.lookup, h);
  observer.see("embed", "", h, rows, hidden);
  if (weights_.embedding_norm) {
    kernels::layer_norm(ctx, h, rows, *weights_.embedding_norm, hidden, norm_eps, h);
    observer.see("model.embedding_norm", "", h, rows, hidden);
  }

  // Logits are computed only where they are asked for.
  const auto count = static_cast<std::int64_t>(step_.wanted.size());
  const std::int64_t left = leaving == Leaving::all ? rows : count;
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
  if (leaving == Leaving::all) {
    for (std::int64_t i = 0; i < count; ++i)
      std::copy_n(h.row(step_.wanted[static_cast<std::size_t>(i)]), hidden, h.row(i));
  }
  logits_.resize(static_cast<std::size_t>(count * config_.vocab_size));
  const kernels::Rows logits{logits_.data(), config_.vocab_size};
  kernels::matmul(ctx, h, count, weights_.head, logits);
  observer.see("logits", "", logits, count, config_.vocab_size);
  return {logits_, config_.vocab_size};
}

lm::Memory LongcatModel::memory() const {
  const PagePool& pool = sequences_.pool();
  return {sequences_.page_positions(), pool.page_bytes(), pool.most_pages(), pool.pages_in_use()};
}

lm::Counters LongcatModel::counters() const {
  ngram::RowReads words = weights_.embedding->word_reads(), ngrams = weights_.embedding->ngram_reads();
  for (const ngram::NgramEmbedding& layer : weights_.layer_embeddings) {
    words += layer.word_reads();
    ngrams += layer.ngram_reads();
  }
  return {.word_rows = {words.memory, words.disk, words.unknown},
          .ngram_rows = {ngrams.memory, ngrams.disk, ngrams.unknown}};
}

const InputSquares& LongcatModel::collect_inputs() {
  if (config_.quantization) {
    fail(ErrorKind::unsupported,
         "the importance of weights is measured on the checkpoint that will be converted: expected plain "
         "numbers, found weights in {} and tables in {}",
         config_.quantization->weights, config_.quantization->tables);
  }
  return inputs_.emplace(weights_.names);
}

lm::Logits LongcatModel::forward(std::span<const lm::Chunk> batch) {
  layers::Observer nobody;
  return advance(batch, inputs_ ? Leaving::all : Leaving::wanted, nobody);
}

lm::Logits LongcatModel::forward(std::span<const lm::Chunk> batch, layers::Observer& observer) {
  return advance(batch, Leaving::all, observer);
}

lm::Logits LongcatModel::advance(std::span<const lm::Chunk> batch, Leaving leaving,
                                 layers::Observer& observer) {
  check(batch);
  append(batch);
  try {
    return compute(batch, leaving, observer);
  } catch (...) {
    roll_back(batch, batch.size());
    throw;
  }
}

void LongcatModel::check(std::span<const lm::Chunk> batch) const {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const lm::Chunk& chunk = batch[i];
    if (chunk.ids.empty()) fail(ErrorKind::usage, "a chunk without tokens");
    if (chunk.logits < 0 || chunk.logits > std::ssize(chunk.ids)) {
      fail(ErrorKind::usage, "{} rows of logits of {} tokens", chunk.logits, chunk.ids.size());
    }
    const auto same = [&](const lm::Chunk& other) { return other.sequence == chunk.sequence; };
    if (std::ranges::any_of(batch.first(i), same)) {
      fail(ErrorKind::usage, "a sequence occurs twice in one batch");
    }
    for (const TokenId id : chunk.ids) {
      if (id < 0 || id >= config_.vocab_size) {
        fail(ErrorKind::bad_input, "token id {} is outside the vocabulary of {}", id, config_.vocab_size);
      }
    }
    const std::size_t length = history(chunk.sequence).size() + chunk.ids.size();
    if (length > static_cast<std::size_t>(info_.context_limit)) {
      fail(ErrorKind::limit, "{} tokens do not fit the context of {}; shorten the text{}", length,
           info_.context_limit,
           info_.context_limit < config_.max_position_embeddings
               ? fmt::format(" or raise --ctx (the model takes up to {})", config_.max_position_embeddings)
               : "");
    }
  }
}

void LongcatModel::append(std::span<const lm::Chunk> batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    try {
      sequences_.append(batch[i].sequence, batch[i].ids);
    } catch (...) {
      roll_back(batch, i);
      throw;
    }
  }
}

void LongcatModel::roll_back(std::span<const lm::Chunk> batch, std::size_t count) {
  for (const lm::Chunk& chunk : batch.first(count)) {
    const std::size_t length = history(chunk.sequence).size() - chunk.ids.size();
    sequences_.truncate(chunk.sequence, static_cast<std::int64_t>(length));
  }
}

}  // namespace

std::int64_t cache_bytes_per_token(const config::ModelConfig& c, CacheFormat cache_format) {
  return c.attentions() * kernels::module_bytes(record_layout(c, cache_format)) / kPagePositions;
}

std::unique_ptr<Model> open_model(config::ModelConfig config,
                                  std::shared_ptr<const checkpoint::Checkpoint> files,
                                  const ModelOptions& options) {
  return std::make_unique<LongcatModel>(std::move(config), std::move(files), options);
}

}  // namespace nestor::model
