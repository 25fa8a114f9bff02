#include "convert/convert.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/folder_lock.h"
#include "checkpoint/inventory.h"
#include "config/parse_config.h"
#include "convert/job_log.h"
#include "convert/random_encoder.h"
#include "convert/target.h"
#include "convert/tensor_encoder.h"

namespace nestor::convert {
namespace {

constexpr std::uint64_t kMostConfigBytes = std::uint64_t{16} << 20;
constexpr std::string_view kIndex = "model.safetensors.index.json";

Json job_of(const Json& config, const ConvertOptions& o) {
  return {{"config", config},       {"weights", o.formats.weights},       {"tables", o.formats.tables},
          {"keep", o.formats.keep}, {"scales", quant::name_of(o.scales)}, {"shard_bytes", o.shard_bytes}};
}

// The configuration of the target: what its tensors are stored as replaces what the source said about its
// own.
Json target_config(Json config, const ConvertOptions& o, bool encodes_any) {
  config.erase("quantization_config");
  config.erase("dtype");
  config["torch_dtype"] = "bfloat16";
  if (!encodes_any) return config;
  config["quantization_config"] = {{"quant_method", "nestor"},     {"version", 2},
                                   {"weights", o.formats.weights}, {"tables", o.formats.tables},
                                   {"keep", o.formats.keep},       {"scales", quant::name_of(o.scales)}};
  return config;
}

// Encodes a tensor to a sink.
using Encode = std::function<quant::Distortion(const TargetTensor&, const TensorEncoder::Sink&)>;

// Writes shards that the log does not know as finished.
class ShardWriter {
 public:
  ShardWriter(const std::filesystem::path& folder, Encode encode, ProgressSink& progress,
              const std::stop_token& stop)
      : folder_(folder), encode_(std::move(encode)), progress_(progress), stop_(stop) {}

  ConvertReport write_all(const std::vector<TargetShard>& shards, JobLog& log) {
    ConvertReport report;
    report.files = shards.size();
    for (const TargetShard& shard : shards) report.bytes += shard.bytes;
    total_ = report.bytes;
    std::vector<std::optional<FinishedShard>> finished;
    std::uint64_t missing = 0;
    for (const TargetShard& shard : shards) {
      finished.push_back(log.finished(shard.file));
      if (!finished.back()) missing += shard.bytes;
    }
    check_space(missing, log);
    for (std::size_t i = 0; i < shards.size(); ++i) {
      if (finished[i]) {
        ++report.kept;
        done_ += shards[i].bytes;
      } else {
        finished[i] = write(shards[i]);
        log.add(shards[i].file, *finished[i]);
      }
      report.weights.add(finished[i]->weights);
      report.tables.add(finished[i]->tables);
    }
    return report;
  }

 private:
  void check_space(std::uint64_t bytes, const JobLog& log) const {
    std::error_code error;
    const auto space = std::filesystem::space(folder_, error);
    if (error || space.available >= bytes) return;
    const bool begun = bytes < total_;
    if (!begun) log.remove();
    fail(ErrorKind::limit, "{}: {:.3f} GB are needed, the disk has {:.3f} GB free{}", folder_.string(),
         static_cast<double>(bytes) / 1e9, static_cast<double>(space.available) / 1e9,
         begun ? "; what is finished stays, and the same command goes on from there" : "");
  }

  FinishedShard write(const TargetShard& shard) {
    checkpoint::SafetensorsWriter file(
        folder_ / shard.file, shard.plan(),
        shard.has_records() ? checkpoint::BodyStart::page : checkpoint::BodyStart::cache_line);
    FinishedShard result;
    Checksum sum;
    for (const TargetTensor& t : shard.tensors) {
      const auto distortion = encode_(t, [&](std::span<const std::byte> bytes) {
        if (stop_.stop_requested()) fail(ErrorKind::cancelled, "stopped; the same command goes on from here");
        file.append(bytes);
        sum.add(bytes);
        done_ += bytes.size();
        progress_.advance("writing", done_, total_);
      });
      if (!t.encoding) continue;
      const bool tiles = t.encoding->layout == quant::Encoding::Layout::tiles;
      (tiles ? result.weights : result.tables).add(distortion);
    }
    file.finish();
    result.checksums = checksums_of(folder_ / shard.file);
    if (result.checksums.body != sum.value()) {
      fail(ErrorKind::io, "{}: what can be read is not what was written; is the disk in order?",
           (folder_ / shard.file).string());
    }
    return result;
  }

  const std::filesystem::path& folder_;
  Encode encode_;
  ProgressSink& progress_;
  const std::stop_token& stop_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
};

void copy_whole(const std::filesystem::path& from, const std::filesystem::path& to) {
  const InputFile source(from);
  OutputFile target(to);
  std::vector<std::byte> piece(1U << 20);
  for (std::uint64_t at = 0; at < source.size(); at += piece.size()) {
    piece.resize(std::min<std::uint64_t>(piece.size(), source.size() - at));
    source.read_at(at, piece);
    target.write(piece);
  }
  target.commit();
}

// Tokenizer, templates, generation settings, licences: everything that is not weights.
void copy_companions(const std::filesystem::path& from, const std::filesystem::path& to) {
  constexpr std::array<std::string_view, 5> kKinds = {".json", ".jinja", ".txt", ".md", ".model"};
  for (const std::string& name : names_in(from)) {
    const std::filesystem::path path = from / name;
    const bool kind = std::find(kKinds.begin(), kKinds.end(), path.extension().string()) != kKinds.end();
    if (!kind || name == "config.json" || name == kIndex || name == JobLog::kFile ||
        !std::filesystem::is_regular_file(path))
      continue;
    copy_whole(path, to / name);
  }
}

// A checkpoint to be written.
struct Target {
  const std::filesystem::path& folder;
  const ConvertOptions& options;
  const Json& config_json;  // before its formats are in it
  const config::ModelConfig& config;
  const config::NameLayout& layout;
  const TensorSource& source;
  Encode encode;
  Json job;  // an unfinished one of the same kind is continued
  std::optional<std::filesystem::path> companions = {};
};

ConvertReport write(const Target& t, ProgressSink& progress, const std::stop_token& stop) {
  const FormatPolicy policy(t.options.formats);
  policy.check_patterns(t.config, t.layout);
  const auto shards = plan_shards(plan_tensors(t.config, t.layout, policy, t.source), t.options.shard_bytes);
  const FolderLock lock(t.folder);
  JobLog log(lock, t.job);
  const ConvertReport report = ShardWriter(t.folder, t.encode, progress, stop).write_all(shards, log);
  if (shards.size() > 1) write_file(t.folder / kIndex, index_text(shards));
  if (t.companions) copy_companions(*t.companions, t.folder);
  const Json config = target_config(t.config_json, t.options, policy.encodes_any(t.config, t.layout));
  write_file(t.folder / "config.json", to_text(config, 2) + "\n");
  log.remove();
  return report;
}

// What tells a file from another of its size: blocks from its header to its end.
std::uint64_t sample_of(const std::filesystem::path& path) {
  constexpr std::uint64_t kBlocks = 64;
  constexpr std::uint64_t kBytes = 4096;
  const InputFile file(path);
  Checksum sum;
  std::vector<std::byte> block;
  for (std::uint64_t i = 0; i < kBlocks; ++i) {
    const std::uint64_t at = file.size() / kBlocks * i;
    block.resize(std::min(kBytes, file.size() - at));
    file.read_at(at, block);
    sum.add(block);
  }
  return sum.value();
}

void check_importance_is_used(const ConvertOptions& options, const config::ModelConfig& config,
                              const config::NameLayout& layout) {
  if (options.importance.empty()) return;
  const FormatPolicy policy(options.formats);
  bool used = false;
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& tensor) {
    if (options.importance.of(tensor).empty() || !FormatPolicy::applies_to(tensor)) return;
    used = used || policy.encoding_of(tensor).has_value();
  });
  if (used) return;
  fail(ErrorKind::usage,
       "importance chooses the scales of quantized matrices, and none that it was measured for is quantized: "
       "add --weights q4 or q8, or leave --importance out");
}

}  // namespace

ConvertReport convert_checkpoint(const std::filesystem::path& source, const std::filesystem::path& target,
                                 const ConvertOptions& options, const kernels::OpTable& ops,
                                 ProgressSink& progress, const std::stop_token& stop) {
  std::error_code error;
  if (std::filesystem::equivalent(source, target, error)) {
    fail(ErrorKind::usage, "{}: source and target are the same folder", target.string());
  }
  const Json config_json = read_json(source / "config.json", kMostConfigBytes);
  const auto config =
      config::parse_config(config_json, (source / "config.json").string(), options.accepted_keys);
  const checkpoint::Checkpoint files(source);
  config::NameLayout layout = checkpoint::layout_of(config, files);
  checkpoint::check_inventory(config, layout, files, checkpoint::Encoded::accepted);
  const CheckpointSource values(files, config, layout, ops);
  layout.experts = config::NameLayout::Experts::separate;
  options.importance.check_against(config, layout);
  check_importance_is_used(options, config, layout);
  Json job = job_of(config_json, options);
  if (!options.importance.empty()) job["importance"] = options.importance.checksum();
  for (const auto& [name, tensor] : files.tensors()) {
    const auto& path = tensor.file->path();
    Json& file = job["files"][path.filename().string()];
    if (!file.is_null()) continue;
    file = {tensor.file->size(), std::filesystem::last_write_time(path).time_since_epoch().count(),
            sample_of(path)};
  }
  kernels::Team team(options.threads);
  TensorEncoder encoder(team, options.scales);
  const Encode encode = [&](const TargetTensor& t, const TensorEncoder::Sink& sink) {
    return encoder.encode(t, options.importance.of(t.info), values.open(t.info), sink);
  };
  return write({target, options, config_json, config, layout, values, encode, std::move(job), source},
               progress, stop);
}

ConvertReport write_random_quantized(const Json& config_json, const std::string& config_name,
                                     std::uint64_t seed, const std::filesystem::path& target,
                                     const ConvertOptions& options, ProgressSink& progress,
                                     const std::stop_token& stop) {
  const auto config = config::parse_config(config_json, config_name, options.accepted_keys);
  config::NameLayout layout;
  if (config.num_nextn_predict_layers > 0) layout.draft = config::NameLayout::Draft::present;
  const RandomSource values(config, seed);
  Json job = job_of(config_json, options);
  job["seed"] = seed;
  kernels::Team team(options.threads);
  TensorEncoder encoder(team, options.scales);
  RandomEncoder random(seed, encoder);
  const Encode encode = [&](const TargetTensor& t, const TensorEncoder::Sink& sink) -> quant::Distortion {
    if (!RandomEncoder::takes(t)) return encoder.encode(t, {}, values.open(t.info), sink);
    random.encode(t, sink);
    return {};  // of values that exist in no other form
  };
  return write({target, options, config_json, config, layout, values, encode, std::move(job)}, progress,
               stop);
}

}  // namespace nestor::convert
