#include "train/modules/export_checkpoint.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/safetensors_writer.h"
#include "config/parse_config.h"
#include "config/tensor_list.h"
#include "train/modules/checkpoint_pieces.h"

namespace nestor::train {
namespace {

using checkpoint::PlannedTensor;
using config::TensorInfo;
using torch::Tensor;

constexpr std::int64_t kValuesAtOnce = 1 << 22;  // of a table: 16 MB
constexpr std::uint64_t kMostTokenizerBytes = std::uint64_t{256} << 20;

std::vector<std::int64_t> shape_of(const TensorInfo& t) {
  return {t.shape.begin(), t.shape.begin() + t.rank};
}

torch::ScalarType torch_type(DType dtype) {
  if (dtype == DType::bf16) return torch::kBFloat16;
  return dtype == DType::f16 ? torch::kHalf : torch::kFloat32;
}

class Writer {
 public:
  Writer(const CausalLm& model, std::span<const RowTable* const> tables, const config::ModelConfig& written)
      : model_(model), written_(written), tables_(by_slot(model, tables)), pieces_(checkpoint_pieces(model)) {
    tables_[kDraftWords] = tables.front();
  }

  /// Some readers look for draft layers in the index alone, so that a model with them has one for its only
  /// file.
  void write(const std::filesystem::path& folder) {
    const std::string name = "model.safetensors";
    config::NameLayout layout;
    if (model_.modeling().draft) layout.draft = config::NameLayout::Draft::present;
    std::vector<TensorInfo> list;
    config::for_each_tensor(written_, layout, [&](const TensorInfo& t) { list.push_back(t); });
    std::vector<PlannedTensor> plan;
    for (const TensorInfo& t : list)
      plan.push_back({t.name, config::published_dtype(written_, t), shape_of(t)});
    checkpoint::SafetensorsWriter file(folder / name, plan);
    for (const TensorInfo& t : list) write(file, t);
    file.finish();
    if (layout.draft == config::NameLayout::Draft::absent) return;
    const checkpoint::WrittenFile only{name, std::move(plan)};
    write_file(folder / "model.safetensors.index.json", checkpoint::index_text({&only, 1}));
  }

 private:
  void write(checkpoint::SafetensorsWriter& file, const TensorInfo& t) {
    const torch::ScalarType type = torch_type(config::published_dtype(written_, t));
    if (const auto table = tables_.find(t.slot); table != tables_.end()) {
      return write_table(file, *table->second, t, type);
    }
    const auto piece = pieces_.find(t.slot);
    if (piece == pieces_.end() || piece->second.sizes() != shape_of(t)) {
      fail(ErrorKind::bad_input,
           "config.json asks for {}, which the trained model does not have in that shape; expected "
           "the configuration that was trained",
           in_quotes(t.name));
    }
    append(file, piece->second, type);
  }

  void write_table(checkpoint::SafetensorsWriter& file, const RowTable& table, const TensorInfo& t,
                   torch::ScalarType type) {
    if (table.rows() != t.shape[0] || table.width() != t.shape[1]) {
      fail(ErrorKind::bad_input, "config.json asks for {} rows of {} in {}, the trained table has {} of {}",
           t.shape[0], t.shape[1], in_quotes(t.name), table.rows(), table.width());
    }
    const std::int64_t step = std::max<std::int64_t>(1, kValuesAtOnce / table.width());
    for (std::int64_t first = 0; first < table.rows(); first += step) {
      std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(step, table.rows() - first)));
      std::iota(rows.begin(), rows.end(), first);
      const Tensor values =
          torch::empty({static_cast<std::int64_t>(rows.size()), table.width()}, torch::kFloat32);
      table.gather(rows, {values.data_ptr<float>(), static_cast<std::size_t>(values.numel())});
      append(file, values, type);
    }
  }

  static void append(checkpoint::SafetensorsWriter& file, const Tensor& values, torch::ScalarType type) {
    const Tensor stored = values.to(torch::kCPU, type).contiguous();
    file.append(
        {static_cast<const std::byte*>(stored.const_data_ptr()), static_cast<std::size_t>(stored.nbytes())});
  }

  const CausalLm& model_;
  const config::ModelConfig& written_;
  std::map<config::Slot, const RowTable*> tables_;
  std::map<config::Slot, Tensor> pieces_;
};

Json default_generation(const Json& config) {
  Json generation = Json::object();
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    if (config.contains(key) && !config[key].is_null()) generation[key] = config[key];
  }
  generation.update({{"do_sample", true}, {"temperature", 1.0}});
  return generation;
}

void write_json(const std::filesystem::path& path, const Json& json) {
  write_file(path, to_text(json, 2) + "\n");
}

void copy_text(const std::filesystem::path& from, const std::filesystem::path& to) {
  write_file(to, read_file(from, kMostTokenizerBytes));
}

void write_tokenizer(const ExportRequest& request, const std::filesystem::path& folder) {
  if (request.tokenizer.empty()) return;
  copy_text(request.tokenizer, folder / "tokenizer.json");
  const std::filesystem::path beside = request.tokenizer.parent_path() / "tokenizer_config.json";
  if (request.tokenizer_config) {
    write_json(folder / "tokenizer_config.json", *request.tokenizer_config);
  } else if (std::filesystem::exists(beside)) {
    copy_text(beside, folder / "tokenizer_config.json");
  }
}

}  // namespace

void export_checkpoint(const CausalLm& model, std::span<const RowTable* const> tables,
                       const ExportRequest& request) {
  const torch::NoGradGuard guard;
  std::filesystem::path target = request.folder.lexically_normal();
  if (target.filename().empty()) target = target.parent_path();  // "folder/"
  std::error_code error;
  if (std::filesystem::exists(target, error) && !std::filesystem::is_empty(target, error)) {
    fail(ErrorKind::usage, "{}: already there; choose another folder", target.string());
  }
  const config::ModelConfig written =
      config::parse_config(request.config_json, "config.json of the trained model");
  std::filesystem::path partial = target;
  partial += ".partial";
  std::filesystem::remove_all(partial, error);  // what an earlier attempt left
  std::filesystem::create_directories(partial, error);
  if (error) fail(ErrorKind::io, "cannot create {}: {}", partial.string(), error.message());

  Writer(model, tables, written).write(partial);
  write_tokenizer(request, partial);
  write_json(partial / "generation_config.json",
             request.generation_config.value_or(default_generation(request.config_json)));
  write_json(partial / "config.json", request.config_json);
  std::filesystem::rename(partial, target, error);
  if (error)
    fail(ErrorKind::io, "cannot rename {} to {}: {}", partial.string(), target.string(), error.message());
}

}  // namespace nestor::train
