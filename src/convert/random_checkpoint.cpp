#include "convert/random_checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/folder_lock.h"
#include "checkpoint/safetensors_writer.h"
#include "config/parse_config.h"
#include "config/tensor_list.h"
#include "convert/random_tensor.h"
#include "convert/target.h"
#include "quant/format.h"
#include "quant/number.h"

namespace nestor::convert {
namespace {

using checkpoint::SafetensorsWriter;
using config::TensorInfo;

constexpr std::int64_t kElementsAtOnce = 1 << 18;

std::vector<TargetTensor> published_tensors(const config::ModelConfig& c) {
  config::NameLayout layout;
  if (c.num_nextn_predict_layers > 0) layout.draft = config::NameLayout::Draft::present;
  std::vector<TargetTensor> tensors;
  config::for_each_tensor(c, layout, [&](const TensorInfo& t) {
    tensors.push_back(plain_target(t, config::published_dtype(c, t)));
    if (tensors.back().stored.dtype == DType::f8_e4m3) {
      tensors.back().scales = {config::scale_name(t.name), DType::f32, config::scale_shape(t)};
    }
  });
  return tensors;
}

class Writer {
 public:
  Writer(std::uint64_t seed, std::uint64_t total, ProgressSink& progress, const std::stop_token& stop)
      : seed_(seed), total_(total), progress_(progress), stop_(stop) {}

  void write(const std::filesystem::path& path, const TargetShard& shard) {
    SafetensorsWriter file(path, shard.plan());
    for (const TargetTensor& t : shard.tensors) {
      if (t.scales) {
        write_scaled(file, t.info);
      } else {
        write_plain(file, t.info, t.stored.dtype);
      }
    }
    file.finish();
  }

 private:
  template <typename T>
  void append(SafetensorsWriter& file, const std::vector<T>& values) {
    if (stop_.stop_requested()) fail(ErrorKind::cancelled, "stopped; nothing was written");
    const auto bytes = std::as_bytes(std::span(values));
    file.append(bytes);
    done_ += bytes.size();
    progress_.advance("writing", done_, total_);
  }

  void write_plain(SafetensorsWriter& file, const TensorInfo& t, DType dtype) {
    const RandomTensor random(seed_, t);
    for (std::int64_t first = 0; first < t.elements(); first += kElementsAtOnce) {
      std::vector<float> values(static_cast<std::size_t>(std::min(kElementsAtOnce, t.elements() - first)));
      random.fill(first, values);
      if (dtype == DType::f32) {
        append(file, values);
        continue;
      }
      std::vector<std::uint16_t> stored(values.size());
      std::transform(values.begin(), values.end(), stored.begin(),
                     dtype == DType::bf16 ? quant::to_bf16 : quant::to_f16);
      append(file, stored);
    }
  }

  // Bands of 128 rows: the largest magnitude of a block becomes 448, the largest e4m3 value.
  void write_scaled(SafetensorsWriter& file, const TensorInfo& t) {
    const RandomTensor random(seed_, t);
    const std::int64_t cols = t.shape[1];
    std::vector<float> scales;
    for (std::int64_t row = 0; row < t.shape[0]; row += quant::kScaleBlock) {
      const std::int64_t rows = std::min(quant::kScaleBlock, t.shape[0] - row);
      std::vector<float> values(static_cast<std::size_t>(rows * cols));
      random.fill(row * cols, values);
      append(file, encode_band(values, rows, cols, scales));
    }
    append(file, scales);
  }

  static std::vector<std::uint8_t> encode_band(const std::vector<float>& values, std::int64_t rows,
                                               std::int64_t cols, std::vector<float>& scales) {
    std::vector<std::uint8_t> codes(values.size());
    for (std::int64_t begin = 0; begin < cols; begin += quant::kScaleBlock) {
      const std::int64_t end = std::min(begin + quant::kScaleBlock, cols);
      float largest = 0;
      const auto each = [&](const auto& visit) {
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t k = begin; k < end; ++k) visit(static_cast<std::size_t>(r * cols + k));
        }
      };
      each([&](std::size_t i) { largest = std::max(largest, std::fabs(values[i])); });
      const float scale = largest > 0 ? largest / 448.0F : 1.0F;
      each([&](std::size_t i) { codes[i] = quant::to_e4m3(values[i] / scale); });
      scales.push_back(scale);
    }
    return codes;
  }

  std::uint64_t seed_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  ProgressSink& progress_;
  const std::stop_token& stop_;
};

// The files of a checkpoint that did not exist: they go away again unless all of it is there.
class NewFiles {
 public:
  explicit NewFiles(const FolderLock& lock) : folder_(lock.folder()) {
    if (lock.holds_nothing_else()) return;
    fail(ErrorKind::usage, "{}: already there and not empty; choose another folder", folder_.string());
  }
  ~NewFiles() {
    for (const std::filesystem::path& path : paths_) ::unlink(path.c_str());
  }
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;

  const std::filesystem::path& add(const std::string& name) { return paths_.emplace_back(folder_ / name); }
  void keep() { paths_.clear(); }

 private:
  const std::filesystem::path& folder_;
  std::vector<std::filesystem::path> paths_;
};

void check_space(const std::filesystem::path& folder, std::uint64_t bytes) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error || space.available >= bytes) return;
  fail(ErrorKind::limit, "{}: {:.1f} GB are needed, the disk has {:.1f} GB free", folder.string(),
       static_cast<double>(bytes) / 1e9, static_cast<double>(space.available) / 1e9);
}

}  // namespace

void write_random_checkpoint(const Json& config_json, const std::filesystem::path& folder,
                             const NewOptions& options, ProgressSink& progress, const std::stop_token& stop) {
  const config::ModelConfig c = config::parse_config(config_json, options.config_name, options.accepted_keys);
  if (c.quantization) {
    fail(ErrorKind::unsupported,
         "{}: quantization_config asks for weights {} and tables {}; take it out and say so "
         "with --weights and --tables",
         options.config_name, c.quantization->weights, c.quantization->tables);
  }
  const std::vector<TargetShard> shards = plan_shards(published_tensors(c), options.shard_bytes);
  std::uint64_t total = 0;
  for (const TargetShard& shard : shards) total += shard.bytes;
  const FolderLock lock(folder);
  NewFiles files(lock);
  check_space(folder, total);
  Writer writer(options.seed, total, progress, stop);
  for (const TargetShard& shard : shards) writer.write(files.add(shard.file), shard);
  if (shards.size() > 1) write_file(files.add("model.safetensors.index.json"), index_text(shards));
  write_file(files.add("config.json"), to_text(config_json, 2) + "\n");
  files.keep();
}

}  // namespace nestor::convert
