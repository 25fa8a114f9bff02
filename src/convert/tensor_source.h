// Where the values of a checkpoint to be written come from: rows of float32, a tensor at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "checkpoint/checkpoint.h"
#include "config/tensor_list.h"
#include "kernels/op_args.h"

namespace nestor::convert {

/// Row `row` of a tensor, to `out`. A vector is one row. Several threads may call it.
using RowReader = std::function<void(std::int64_t row, float* out)>;

class TensorSource {
 public:
  TensorSource() = default;
  TensorSource(const TensorSource&) = delete;
  TensorSource& operator=(const TensorSource&) = delete;
  virtual ~TensorSource() = default;

  virtual RowReader open(const config::TensorInfo& tensor) const = 0;
  /// How a tensor that formats do not apply to is stored.
  virtual DType dtype_of(const config::TensorInfo& tensor) const = 0;
};

/// The tensors of a checked checkpoint, whatever their formats; fused experts are read as separate ones.
/// Tensors are asked for by the names of a layout with separate experts.
class CheckpointSource : public TensorSource {
 public:
  /// The references must outlive this.
  CheckpointSource(const checkpoint::Checkpoint& files, const config::ModelConfig& config,
                   const config::NameLayout& layout, const kernels::OpTable& ops);

  RowReader open(const config::TensorInfo& tensor) const override;
  DType dtype_of(const config::TensorInfo& tensor) const override;

 private:
  RowReader open_expert(const config::TensorInfo& tensor) const;
  RowReader open_stored(const config::TensorInfo& tensor) const;

  const checkpoint::Checkpoint& files_;
  const config::ModelConfig& config_;
  config::NameLayout layout_;
  const kernels::OpTable& ops_;
};

/// Random values (random_tensor.h).
class RandomSource : public TensorSource {
 public:
  RandomSource(const config::ModelConfig& config, std::uint64_t seed) : config_(config), seed_(seed) {}

  RowReader open(const config::TensorInfo& tensor) const override;
  DType dtype_of(const config::TensorInfo& tensor) const override;

 private:
  const config::ModelConfig& config_;
  std::uint64_t seed_;
};

}  // namespace nestor::convert
