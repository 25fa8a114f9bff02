// Creates the parameters of a new model and keeps the list of them. Values are a pure function of (seed,
// name, element), so neither order nor threads matter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  explicit Initializer(const Options& options) : options_(options) {}

  /// A matrix or a stack of them; `scale` multiplies the standard deviation.
  torch::Tensor matrix(const std::string& name, std::vector<std::int64_t> shape, Role role, double scale = 1);
  torch::Tensor constant(const std::string& name, std::int64_t size, double value);
  torch::Tensor zero_buffer(const std::string& name, std::int64_t size);

  std::vector<Parameter> parameters;
  std::vector<Buffer> buffers;

 private:
  torch::Tensor add(const std::string& name, torch::Tensor value, Role role);

  Options options_;
};

}  // namespace nestor::train
