#include "train/modules/initial_values.h"

#include "base/random.h"

namespace nestor::train {
const char* name_of(Role role) {
  switch (role) {
    case Role::matrix:
      return "matrix";
    case Role::expert_stack:
      return "expert stack";
    case Role::ngram_projection:
      return "n-gram projection";
    case Role::head:
      return "head";
    case Role::router:
      return "router";
    case Role::vector:
      return "vector";
  }
  return "";
}

void normal_values(std::uint64_t seed, const std::string& name, std::int64_t first, double deviation,
                   std::vector<float>& out) {
  const std::uint64_t key = key_of_name(name);
  const auto spread = static_cast<float>(deviation);
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const auto pair = normal_pair(key, (static_cast<std::uint64_t>(first) + i) / 2, seed);
    out[i] = spread * pair[0];
    if (i + 1 < out.size()) out[i + 1] = spread * pair[1];
  }
}

torch::Tensor Initializer::add(const std::string& name, torch::Tensor value, Role role) {
  value = value.to(options_.device, options_.dtype).set_requires_grad(true);
  parameters.push_back({name, value, role});
  return value;
}

torch::Tensor Initializer::matrix(const std::string& name, std::vector<std::int64_t> shape, Role role,
                                  double scale) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  std::vector<float> values(static_cast<std::size_t>(count));
  normal_values(options_.seed, name, 0, options_.deviation * scale, values);
  return add(name, torch::from_blob(values.data(), shape, torch::kFloat32).clone(), role);
}

torch::Tensor Initializer::constant(const std::string& name, std::int64_t size, double value) {
  return add(name, torch::full({size}, value, torch::kFloat64), Role::vector);
}

torch::Tensor Initializer::zero_buffer(const std::string& name, std::int64_t size) {
  buffers.push_back(
      {name, torch::zeros({size}, torch::TensorOptions(options_.device).dtype(options_.dtype))});
  return buffers.back().tensor;
}

}  // namespace nestor::train
