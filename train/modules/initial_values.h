// Creates the parameters of a new model, named and shaped by the list of tensors, and keeps the list of them.
// Values are a pure function of (seed, name, element), so neither order nor threads matter.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/tensor_list.h"
#include "train/modules/parameter.h"
#include "train/torch.h"

namespace nestor::train {

/// Normal values number first, first + 1, ... of the stream that (seed, name) decides. `first` is even.
void normal_values(std::uint64_t seed, const std::string& name, std::int64_t first, double deviation,
                   std::vector<float>& out);

class Initializer {
 public:
  struct Options {
    std::uint64_t seed = 1;
    double deviation = 0.02;  // of matrices
    torch::Device device = torch::kCPU;
    torch::ScalarType dtype = torch::kFloat32;
  };
  Initializer(const config::ModelConfig& config, const Options& options);

  /// What fills a slot of the list of tensors: a random matrix whose deviation `scale` multiplies, ones for a
  /// norm, zeros for a bias. Slots without index are stacks of experts, and the projections [D, D] of an
  /// N-gram Embedding side by side.
  torch::Tensor parameter(const config::Slot& slot, double scale = 1);
  torch::Tensor zero_buffer(const config::Slot& slot);
  /// Whether the model has such a tensor or stack.
  bool has(const config::Slot& slot) const { return list_.contains(slot); }

  std::vector<Parameter> parameters;
  std::vector<Buffer> buffers;

 private:
  torch::Tensor random(const config::TensorInfo& info, double scale) const;

  Options options_;
  std::map<config::Slot, config::TensorInfo> list_;
};

}  // namespace nestor::train
