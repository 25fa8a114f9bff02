// A model's folder, opened: what every command of `nestor` starts with, and every program that embeds it.
//
//   #include "assemble/open.h"
//
//   auto model = nestor::assemble::open("models/story", {.threads = 4});
//   nestor::assemble::TextOptions how = {.sampling = model.defaults().sampling, .max_tokens = 100};
//   model.generate("Once upon a time", how, [](std::string_view piece) { std::cout << piece; });
//
// Nothing is read before it is asked for: a program that tokenizes opens no weights, one that computes with
// ids no tokenizer. Each part is opened once, when its function is first called, and that is where its errors
// come from: nestor::Error (base/error.h) says what was expected, what was found and what to do.
//
// Other doors beside generate(): lm/language_model.h, the model as token ids -> logits; decode/generate.h,
// many prompts at once; schedule/engine.h, requests from many threads; chat_format.h, conversations;
// tokenizer/tokenizer.h. docs/library.md tells how to build against the library.
//
// Threads: one thread at a time; the parts say themselves what they allow.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "assemble/chat_format.h"
#include "assemble/generate_text.h"
#include "assemble/generation_config.h"
#include "assemble/kept_streams.h"
#include "assemble/memory_plan.h"
#include "base/progress.h"
#include "checkpoint/checkpoint.h"
#include "config/model_config.h"
#include "decode/speculation.h"
#include "kernels/registry.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace nestor::assemble {

/// What a user may choose; the defaults are for this machine.
struct OpenOptions {
  int threads = 0;           // 0: one per processor that this process may use
  std::int64_t context = 0;  // tokens per sequence; 0: what the model allows
  std::string kernels = "auto";
  kernels::Activations activations = kernels::Activations::exact;
  StreamChoice streams = StreamChoice::kept;            // of how weights are read that no cache holds
  std::filesystem::path streams_file = {};              // where the choice is kept; empty: nowhere
  std::optional<model::CacheFormat> cache_format = {};  // nothing: q8 beside quantized weights, else f32
  decode::DraftWish drafts = {};                        // for whom OpenedModel::speculation() is
  model::DraftBlock draft_embedding = model::DraftBlock::ngram_embedding;
  std::int64_t cache_bytes = 0;  // that the latent cache may take; 0: as many as are available
  Oversize oversize = Oversize::refused;
  std::function<void(const MemoryPlan&)> see_plan = {};  // if any, before anything is allocated
  std::filesystem::path chat_template = {};              // a Jinja file instead of the folder's; empty: none
  std::function<std::unique_ptr<ProgressSink>()> make_progress =
      {};  // if any, for long reading before the model is ready
  std::function<void(const std::string&)> see_note = {};  // if any, of settings of files that have no effect
  config::AcceptedKeys accepted_keys = {};  // unknown keys of configuration files to be let pass
};

/// How OpenedModel::generate() writes.
struct TextOptions {
  decode::SamplingParams sampling = {};         // OpenedModel::defaults() has what the makers want
  std::optional<std::int64_t> max_tokens = {};  // nothing: what the makers want, else 256
  std::vector<std::string> stops = {};          // texts before which it ends
  std::stop_token cancel = {};                  // ends it early
};

class OpenedModel {
 public:
  OpenedModel(const std::filesystem::path& path, OpenOptions options);

  /// With the snapshot found, where a folder of the Hugging Face cache was given.
  const std::filesystem::path& path() const { return path_; }

  /// config.json of the folder, or the path itself if it is a file.
  const config::ModelConfig& config();
  /// The files of the weights, mapped.
  const checkpoint::Checkpoint& files();
  /// What the model takes in memory.
  const MemoryPlan& memory_plan();
  /// Ready to compute. Error: usage for options that make no sense, limit for what does not fit this machine
  /// (memory_plan.h), bad_input for a folder that contradicts itself.
  model::Model& model();
  /// Who drafts, for turns of this model: OpenOptions::drafts without what the checkpoint lacks, where that
  /// was not named.
  const decode::DraftWish& draft_wish();
  std::shared_ptr<decode::Speculation> speculation();
  /// The same to keep: it does not need this object, which opens another one if asked again.
  std::unique_ptr<model::Model> take_model();

  /// tokenizer.json of the folder, or the path itself if it is a file. Error(not_found) without one.
  tokenizer::Tokenizer& tokenizer();
  bool has_tokenizer() const;
  /// How conversations are written: the template that was given, else the folder's, else the built-in one.
  ChatFormat& chat();
  /// How the makers want it sampled, and where it ends.
  const GenerationDefaults& defaults();

  /// Continues a text; `on_text` gets what follows it piece by piece. Control tokens written in `prompt` are
  /// plain text. The same options give the same text.
  GeneratedText generate(std::string_view prompt, const TextOptions& options, const OnText& on_text);

 private:
  void check_folder() const;
  void place_weights();
  bool has_draft_block();
  void choose_streams(const kernels::OpTable& ops, int threads);
  model::CacheFormat cache_format();

  std::filesystem::path path_;
  OpenOptions options_;
  std::optional<config::ModelConfig> config_;
  std::shared_ptr<const checkpoint::Checkpoint> files_;
  std::optional<MemoryPlan> plan_;
  std::unique_ptr<model::Model> model_;
  std::shared_ptr<decode::Speculation> speculation_;
  std::optional<tokenizer::Tokenizer> tokenizer_;
  std::optional<ChatFormat> chat_;
  std::optional<GenerationDefaults> defaults_;
};

/// `path` is a checkpoint folder as it is published, or one of the Hugging Face cache; for parts that lie in
/// one file, that file will do. Error(not_found) if there is nothing.
inline OpenedModel open(const std::filesystem::path& path, OpenOptions options = {}) {
  return {path, std::move(options)};
}

}  // namespace nestor::assemble
