// Random values for one tensor of a new checkpoint, a pure function of (seed, tensor name, element).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/tensor_list.h"

namespace nestor::convert {

class RandomTensor {
 public:
  RandomTensor(std::uint64_t seed, const config::TensorInfo& tensor)
      : RandomTensor(seed, tensor, tensor.name) {}
  /// Distributed like the tensor's values, but drawn for this name.
  RandomTensor(std::uint64_t seed, const config::TensorInfo& tensor, const std::string& name);

  /// "mean 0, deviation 1": of the tensor's values.
  static std::string distribution_of(const config::TensorInfo& tensor);

  /// What a tensor's random numbers are drawn with.
  static std::uint64_t key_of(std::uint64_t seed, const config::TensorInfo& tensor);

  /// Elements [first, first + out.size()) in row-major order. `first` is even.
  void fill(std::int64_t first, std::vector<float>& out) const;

 private:
  std::uint64_t key_;
  float mean_;
  float deviation_;
};

}  // namespace nestor::convert
