// Sequences, memory, and the frame around a forward pass.
#include "model/longcat.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/ops.h"
#include "layers/observer.h"
#include "model/drafting.h"
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

DraftParts draft_parts(DraftBlock draft) {
  if (draft == DraftBlock::none) return DraftParts::none;
  return draft == DraftBlock::ngram_embedding ? DraftParts::block : DraftParts::block_and_words;
}

}  // namespace

LongcatModel::LongcatModel(config::ModelConfig config, std::shared_ptr<const checkpoint::Checkpoint> files,
                           const ModelOptions& options)
    : config_(std::move(config)),
      info_{config_.vocab_size, context_limit(config_, options.context_limit), config_.eos_token_ids},
      weights_(load_weights(config_, std::move(files), draft_parts(options.draft))),
      rotary_(layers::rotary_of(config_)),
      attention_(layers::attention_shape(config_, rotary_)),
      records_(record_layout(config_, options.cache_format)),
      sequences_(page_pool(config_.attentions() * kernels::module_bytes(records_), options.cache_bytes),
                 kPagePositions),
      team_(options.threads),
      ops_(*options.ops) {
  if (options.draft == DraftBlock::none) return;
  drafting_.emplace(config_.hidden_size, config_.ngram ? config_.ngram->order : 1,
                    options.draft == DraftBlock::ngram_embedding ? Drafting::Embedding::of_target
                                                                 : Drafting::Embedding::own,
                    records_);
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

void LongcatModel::check_id(TokenId id) const {
  if (id < 0 || id >= config_.vocab_size)
    fail(ErrorKind::bad_input, "token id {} is outside the vocabulary of {}", id, config_.vocab_size);
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
    for (const TokenId id : chunk.ids) check_id(id);
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

std::int64_t cache_bytes_per_token(const config::ModelConfig& c, CacheFormat cache_format) {
  return c.attentions() * kernels::module_bytes(record_layout(c, cache_format)) / kPagePositions;
}

std::unique_ptr<Model> open_model(config::ModelConfig config,
                                  std::shared_ptr<const checkpoint::Checkpoint> files,
                                  const ModelOptions& options) {
  return std::make_unique<LongcatModel>(std::move(config), std::move(files), options);
}

}  // namespace nestor::model
