#include "assemble/open.h"

#include <algorithm>

#include "base/cpu.h"
#include "base/error.h"
#include "base/large_pages.h"
#include "checkpoint/inventory.h"
#include "config/other_formats.h"
#include "config/parse_config.h"
#include "kernels/registry.h"

namespace nestor::assemble {
namespace {

constexpr int kMostThreads = 1024;
constexpr std::int64_t kDefaultNewTokens = 256;

// The file of that name in a folder, or the path itself.
std::filesystem::path file_in(const std::filesystem::path& folder_or_file, const char* name) {
  std::error_code error;
  return std::filesystem::is_directory(folder_or_file, error) ? folder_or_file / name : folder_or_file;
}

}  // namespace

OpenedModel::OpenedModel(const std::filesystem::path& path, OpenOptions options)
    : options_(std::move(options)) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) config::fail_without("config.json", path);
  path_ = config::checkpoint_folder(path);
}

const config::ModelConfig& OpenedModel::config() {
  if (!config_) config_ = config::read_config(file_in(path_, "config.json"), options_.accepted_keys);
  return *config_;
}

void OpenedModel::check_folder() const {
  std::error_code error;
  if (!std::filesystem::is_directory(path_, error)) config::fail_without("config.json", path_);
}

const checkpoint::Checkpoint& OpenedModel::files() {
  if (!files_) files_ = std::make_shared<const checkpoint::Checkpoint>(path_);
  return *files_;
}

// Beside weights in eight or four bits, products round activations anyway.
model::CacheFormat OpenedModel::cache_format() {
  const auto& quantization = config().quantization;
  const bool rounded = quantization && quantization->weights != "bf16";
  return options_.cache_format.value_or(rounded ? model::CacheFormat::q8 : model::CacheFormat::f32);
}

const MemoryPlan& OpenedModel::memory_plan() {
  if (!plan_) plan_ = plan_memory(config(), files(), cache_format(), system_memory());
  return *plan_;
}

model::Model& OpenedModel::model() {
  if (model_) return *model_;
  const CpuInfo cpu = cpu_info();
  if (options_.threads < 0 || options_.threads > kMostThreads) {
    fail(ErrorKind::usage, "--threads {} is out of range; expected 1 to {}", options_.threads, kMostThreads);
  }
  model::ModelOptions wanted;
  wanted.ops = &kernels::select_set(options_.kernels, cpu, options_.activations);
  wanted.threads = options_.threads == 0 ? cpu.cores : options_.threads;
  wanted.context_limit = options_.context;
  check_folder();
  wanted.cache_format = cache_format();
  const MemoryPlan& plan = memory_plan();
  if (options_.see_plan) options_.see_plan(plan);
  check_memory(plan, options_.context, options_.oversize);
  wanted.cache_bytes =
      options_.cache_bytes == 0 ? static_cast<std::int64_t>(plan.cache_room()) : options_.cache_bytes;
  const auto& kinds = draft_wish().kinds;
  if (std::ranges::find(kinds, decode::DraftKind::block) != kinds.end())
    wanted.draft = options_.draft_embedding;
  model_ = model::open_model(config(), files_, wanted);
  place_weights();
  choose_streams(*wanted.ops, wanted.threads);
  return *model_;
}

bool OpenedModel::has_draft_block() {
  return checkpoint::layout_of(config(), files()).draft == config::NameLayout::Draft::present;
}

const decode::DraftWish& OpenedModel::draft_wish() {
  decode::DraftWish& wish = options_.drafts;
  if (wish.only_if_it_pays && !wish.kinds.empty() && !has_draft_block())
    std::erase(wish.kinds, decode::DraftKind::block);
  return wish;
}

std::shared_ptr<decode::Speculation> OpenedModel::speculation() {
  if (!speculation_) speculation_ = std::make_shared<decode::Speculation>(model());
  return speculation_;
}

// Rereads matrices that lie in small pages because their file was just written.
void OpenedModel::place_weights() {
  constexpr std::uint64_t kWorthReading = std::uint64_t{256} << 20;
  if (plan_->weights < kWorthReading || plan_->weights > plan_->system.available) return;
  std::vector<MappedPart> parts;
  config::for_each_tensor(
      *config_, checkpoint::layout_of(*config_, *files_), [&](const config::TensorInfo& tensor) {
        if (tensor.storage != config::Storage::matrix && tensor.storage != config::Storage::projection)
          return;
        for (const auto* stored : checkpoint::stored_parts(*files_, tensor))
          parts.push_back({stored->file, stored->mapping, stored->entry->begin, stored->entry->bytes});
      });
  join_neighbours(parts);
  if (!are_in_small_pages(parts)) return;
  const auto progress = options_.make_progress ? options_.make_progress() : std::make_unique<NoProgress>();
  read_into_large_pages(parts, *progress);
}

void OpenedModel::choose_streams(const kernels::OpTable& ops, int threads) {
  if (options_.streams == StreamChoice::built_in) return;
  if (ops.matmul_coded == nullptr) return;  // such a set has one way of reading
  const auto formats = formats_beyond_caches(model_->matrix_bytes());
  if (formats.empty()) return;
  const StreamsKey key{cpu_info(), ops.name, threads};
  model_->read_by(kept_streams(options_.streams_file, key, formats, options_.streams, [&](auto missing) {
    kernels::Team team(threads);
    return measure::fastest_streams(ops, team, missing);
  }));
}

std::unique_ptr<model::Model> OpenedModel::take_model() {
  model();
  return std::move(model_);
}

bool OpenedModel::has_tokenizer() const {
  std::error_code error;
  return std::filesystem::exists(path_ / "tokenizer.json", error);
}

tokenizer::Tokenizer& OpenedModel::tokenizer() {
  if (tokenizer_) return *tokenizer_;
  tokenizer_.emplace(tokenizer::Tokenizer::load(file_in(path_, "tokenizer.json")));
  if (options_.see_note) std::ranges::for_each(tokenizer_->notes(), options_.see_note);
  return *tokenizer_;
}

ChatFormat& OpenedModel::chat() {
  if (!chat_) {
    chat_.emplace(options_.chat_template.empty() ? ChatFormat::open(path_)
                                                 : ChatFormat::open(path_, options_.chat_template));
  }
  return *chat_;
}

const GenerationDefaults& OpenedModel::defaults() {
  if (!defaults_) defaults_ = read_generation_defaults(path_, config(), options_.accepted_keys);
  return *defaults_;
}

GeneratedText OpenedModel::generate(std::string_view prompt, const TextOptions& options,
                                    const OnText& on_text) {
  model();
  decode::Turn turn(encode_prompt(tokenizer(), prompt, tokenizer::ControlTokens::nowhere()), options.sampling,
                    stop_rule(defaults(), options.max_tokens, kDefaultNewTokens));
  return generate_text(model(), turn, {tokenizer(), tokenizer::ControlText::keep, options.stops},
                       options.cancel, on_text);
}

}  // namespace nestor::assemble
