#include "convert/target.h"

#include <fmt/format.h>

#include <algorithm>

namespace nestor::convert {
namespace {

using Layout = quant::Encoding::Layout;

bool in_records(const TargetTensor& t) { return t.encoding && t.encoding->layout == Layout::records; }

TargetTensor target_of(const config::TensorInfo& t, const FormatPolicy& policy, const TensorSource& source) {
  if (!FormatPolicy::applies_to(t)) return plain_target(t, source.dtype_of(t));
  TargetTensor target = plain_target(t, DType::bf16);
  target.encoding = policy.encoding_of(t);
  if (target.encoding) {
    target.stored = {t.name + quant::suffix_of(*target.encoding), DType::u8,
                     quant::stored_shape(*target.encoding, t.shape[0], t.shape[1])};
  }
  return target;
}

void add(TargetShard& shard, const TargetTensor& tensor) {
  shard.tensors.push_back(tensor);
  shard.bytes += tensor.bytes();
}

}  // namespace

bool TargetShard::has_records() const { return !tensors.empty() && in_records(tensors.front()); }

std::vector<checkpoint::PlannedTensor> TargetShard::plan() const {
  std::vector<checkpoint::PlannedTensor> plan;
  for (const TargetTensor& t : tensors) {
    plan.push_back(t.stored);
    if (t.scales) plan.push_back(*t.scales);
  }
  return plan;
}

TargetTensor plain_target(const config::TensorInfo& t, DType dtype) {
  return {t, std::nullopt, {t.name, dtype, {t.shape.begin(), t.shape.begin() + t.rank}}};
}

std::vector<TargetTensor> plan_tensors(const config::ModelConfig& config, const config::NameLayout& layout,
                                       const FormatPolicy& policy, const TensorSource& source) {
  std::vector<TargetTensor> tensors;
  config::for_each_tensor(
      config, layout, [&](const config::TensorInfo& t) { tensors.push_back(target_of(t, policy, source)); });
  std::stable_partition(tensors.begin(), tensors.end(), in_records);
  return tensors;
}

std::vector<TargetShard> plan_shards(const std::vector<TargetTensor>& tensors, std::uint64_t shard_bytes) {
  std::vector<TargetShard> shards(1);
  TargetShard draft{"model-auxiliary.safetensors", {}, 0};
  for (const TargetTensor& tensor : tensors) {
    if (tensor.info.slot.part == config::Part::draft) {
      add(draft, tensor);
      continue;
    }
    if (!shards.back().tensors.empty() && shards.back().bytes + tensor.bytes() > shard_bytes) {
      shards.emplace_back();
    }
    add(shards.back(), tensor);
  }
  for (std::size_t i = 0; i < shards.size(); ++i) {
    shards[i].file = shards.size() == 1
                         ? "model.safetensors"
                         : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
  }
  if (!draft.tensors.empty()) shards.push_back(std::move(draft));
  return shards;
}

std::string index_text(const std::vector<TargetShard>& shards) {
  std::vector<checkpoint::WrittenFile> files;
  for (const TargetShard& shard : shards) files.push_back({shard.file, shard.plan()});
  return checkpoint::index_text(files);
}

}  // namespace nestor::convert
