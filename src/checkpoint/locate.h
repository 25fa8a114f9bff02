// Where and how a checkpoint holds a tensor of the list: under its own name in plain numbers, or encoded
// under a name that says so.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"
#include "config/tensor_list.h"
#include "quant/encoding.h"

namespace nestor::checkpoint {

struct Located {
  std::string name;                         // as stored
  const StoredTensor* tensor = nullptr;     // null: nowhere
  std::optional<quant::Encoding> encoding;  // nothing: plain numbers, or e4m3 with scales
};

/// The first place where the tensor is: its own name, then those of the encodings that its storage allows.
Located locate(const Checkpoint& checkpoint, const std::string& name, config::Storage storage);

/// True if the checkpoint holds the tensor under any of its names.
bool holds(const Checkpoint& checkpoint, std::string_view name, config::Storage storage);

}  // namespace nestor::checkpoint
