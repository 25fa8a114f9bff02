#include "train/modules/import_checkpoint.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/inventory.h"
#include "config/parse_config.h"
#include "train/modules/checkpoint_pieces.h"

namespace nestor::train {
namespace {

using checkpoint::StoredTensor;
using torch::Tensor;

constexpr std::int64_t kValuesAtOnce = 1 << 22;  // of a table: 16 MB

torch::ScalarType torch_type(DType dtype, const std::string& name) {
  switch (dtype) {
    case DType::f32:
      return torch::kFloat32;
    case DType::bf16:
      return torch::kBFloat16;
    case DType::f16:
      return torch::kHalf;
    default:
      fail(ErrorKind::unsupported, "{} is stored as {}; training starts from float32, bfloat16 or half", name,
           name_of(dtype));
  }
}

// Elements [first, first + count) as float32.
Tensor values_of(const StoredTensor& stored, std::int64_t first, std::int64_t count) {
  const torch::ScalarType type = torch_type(stored.entry->dtype, stored.entry->name);
  const auto bytes = stored.bytes().subspan(static_cast<std::size_t>(first) * size_of(stored.entry->dtype));
  const Tensor view = torch::from_blob(const_cast<std::byte*>(bytes.data()), {count}, type);
  return view.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true);
}

void fill_table(const StoredTensor& stored, RowTable& table) {
  const std::int64_t width = table.width();
  const std::int64_t step = std::max<std::int64_t>(1, kValuesAtOnce / width);
  for (std::int64_t first = 0; first < table.rows(); first += step) {
    const std::int64_t rows = std::min(step, table.rows() - first);
    const Tensor values = values_of(stored, first * width, rows * width);
    table.assign(first, {values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
  }
}

// Tensors of config.json that the model does not have, or has in other shapes.
void check_same_model(const std::filesystem::path& folder, const config::ModelConfig& found,
                      const config::ModelConfig& wanted) {
  if (found.ngram != wanted.ngram) {
    fail(ErrorKind::bad_input,
         "{} has other n-gram tables than the recipe's model; expected the same emb_neighbor_num, "
         "emb_split_num and ngram_vocab_size_ratio",
         folder.string());
  }
  std::vector<std::string> here, there;
  const auto list = [](const config::ModelConfig& c, std::vector<std::string>& out) {
    config::for_each_tensor(c, {}, [&](const config::TensorInfo& t) {
      const std::span shape(t.shape.data(), static_cast<std::size_t>(t.rank));
      out.push_back(fmt::format("{} [{}]", t.name, fmt::join(shape, ", ")));
    });
  };
  list(found, there);
  list(wanted, here);
  const auto differ = std::mismatch(here.begin(), here.end(), there.begin(), there.end());
  if (differ.first == here.end() && differ.second == there.end()) return;
  fail(ErrorKind::bad_input, "{} is of another shape than the recipe's model: it has {} where {} is expected",
       folder.string(), differ.second == there.end() ? "nothing" : *differ.second,
       differ.first == here.end() ? "nothing" : *differ.first);
}

}  // namespace

void import_checkpoint(const std::filesystem::path& folder, CausalLm& model,
                       std::span<RowTable* const> tables) {
  const torch::NoGradGuard guard;
  const config::ModelConfig found = config::read_config(folder / "config.json");
  check_same_model(folder, found, model.config());
  const checkpoint::Checkpoint files(folder);
  const config::NameLayout layout = checkpoint::layout_of(found, files);
  checkpoint::check_inventory(found, layout, files);

  // Before anything is changed: can all of it be read?
  config::for_each_tensor(found, layout, [&](const config::TensorInfo& t) {
    torch_type(files.find(t.name)->entry->dtype, t.name);
  });
  auto pieces = checkpoint_pieces(model);
  const auto own_tables = by_slot(model, tables);
  config::for_each_tensor(found, layout, [&](const config::TensorInfo& t) {
    if (t.slot == kDraftWords) return;
    if (t.slot.part == config::Part::draft && !model.modeling().draft) return;
    const StoredTensor& stored = *files.find(t.name);
    if (t.storage == config::Storage::table) return fill_table(stored, *own_tables.at(t.slot));
    Tensor& piece = pieces.at(t.slot);
    // A fused stack may have rows for identity experts too, which nothing reads: the first elements are
    // meant.
    piece.copy_(values_of(stored, 0, piece.numel()).view(piece.sizes()));
  });
}

}  // namespace nestor::train
