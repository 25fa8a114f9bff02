// Holds a checkpoint against the list of tensors that its configuration asks for: nothing missing, nothing
// left over, every shape and storage as expected.
#pragma once

#include "checkpoint/checkpoint.h"
#include "config/tensor_list.h"

namespace nestor::checkpoint {

/// Which spellings the checkpoint uses. Throws Error(bad_input) where two spellings of one thing are present.
config::NameLayout layout_of(const config::ModelConfig& config, const Checkpoint& checkpoint);

/// Whether the caller can read quantized tensors (tiles and records: quant/encoding.h).
enum class Encoded { refused, accepted };

/// Throws one Error(bad_input) that lists what is missing, unknown, or of the wrong shape or dtype, and
/// Error(unsupported) for quantized tensors that the caller cannot read.
void check_inventory(const config::ModelConfig& config, const config::NameLayout& layout,
                     const Checkpoint& checkpoint, Encoded encoded = Encoded::refused);

/// What the checkpoint holds of a tensor of the list: itself in whatever encoding, and its block scales.
std::vector<const StoredTensor*> stored_parts(const Checkpoint& checkpoint, const config::TensorInfo& tensor);

}  // namespace nestor::checkpoint
