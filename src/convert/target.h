// The files of a checkpoint to be written: which tensor is where, under which name, in which format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "config/tensor_list.h"
#include "convert/format_policy.h"
#include "convert/tensor_source.h"
#include "quant/encoding.h"

namespace nestor::convert {

struct TargetTensor {
  config::TensorInfo info;
  std::optional<quant::Encoding> encoding;  // nothing: plain numbers
  checkpoint::PlannedTensor stored;
  std::optional<checkpoint::PlannedTensor> scales = {};  // right behind it, of eight-bit floats

  std::uint64_t bytes() const { return stored.bytes() + (scales ? scales->bytes() : 0); }
};

/// Tensors in records come first and the body begins at a page, so that their pages are pages of the file.
struct TargetShard {
  std::string file;
  std::vector<TargetTensor> tensors;
  std::uint64_t bytes = 0;

  bool has_records() const;
  std::vector<checkpoint::PlannedTensor> plan() const;
};

/// A tensor as plain numbers.
TargetTensor plain_target(const config::TensorInfo& tensor, DType dtype);

/// The tensors of a converted checkpoint, those in records first. `layout` is that of the target.
std::vector<TargetTensor> plan_tensors(const config::ModelConfig& config, const config::NameLayout& layout,
                                       const FormatPolicy& policy, const TensorSource& source);

/// Shards of at most `shard_bytes`, except for tensors that are larger alone; the draft block has a file of
/// its own.
std::vector<TargetShard> plan_shards(const std::vector<TargetTensor>& tensors, std::uint64_t shard_bytes);

/// The text of model.safetensors.index.json.
std::string index_text(const std::vector<TargetShard>& shards);

}  // namespace nestor::convert
