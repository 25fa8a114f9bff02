#include "train/modules/initial_values.h"

#include "base/random.h"

namespace nestor::train {

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

namespace {

Role role_of(const config::TensorInfo& info) {
  using config::Part;
  if (info.rank == 1) return Role::vector;
  switch (info.slot.part) {
    case Part::experts:
      return Role::expert_stack;
    case Part::ngram_projection:
    case Part::layer_projection:
      return Role::ngram_projection;
    case Part::head:
      return Role::head;
    case Part::router:
      return Role::router;
    default:
      return Role::matrix;
  }
}

torch::IntArrayRef shape_of(const config::TensorInfo& info) {
  return {info.shape.data(), static_cast<std::size_t>(info.rank)};
}

}  // namespace

Initializer::Initializer(const config::ModelConfig& config, const Options& options) : options_(options) {
  constexpr config::NameLayout kLayout = {.experts = config::NameLayout::Experts::fused,
                                          .draft = config::NameLayout::Draft::present};
  config::for_each_tensor(config, kLayout, [&](config::TensorInfo info) {
    if (info.slot.field == config::Field::projection) {
      info.slot.index = config::Slot::none;
      info.name = tensor_name(config, kLayout, info.slot);
      info.shape[1] = info.shape[0];
    }
    list_.emplace(info.slot, std::move(info));
  });
}

torch::Tensor Initializer::random(const config::TensorInfo& info, double scale) const {
  std::vector<float> values(static_cast<std::size_t>(info.elements()));
  normal_values(options_.seed, info.name, 0, options_.deviation * scale, values);
  return torch::from_blob(values.data(), shape_of(info), torch::kFloat32).clone();
}

torch::Tensor Initializer::parameter(const config::Slot& slot, double scale) {
  const config::TensorInfo& info = list_.at(slot);
  const double one = slot.field == config::Field::embedding_norm_bias ? 0 : 1;
  torch::Tensor value =
      info.rank > 1 ? random(info, scale) : torch::full(shape_of(info), one, torch::kFloat64);
  value = value.to(options_.device, options_.dtype).set_requires_grad(true);
  parameters.push_back({info.name, value, role_of(info), slot});
  return value;
}

torch::Tensor Initializer::zero_buffer(const config::Slot& slot) {
  const config::TensorInfo& info = list_.at(slot);
  const auto kind = torch::TensorOptions(options_.device).dtype(options_.dtype);
  buffers.push_back({info.name, torch::zeros(shape_of(info), kind), slot});
  return buffers.back().tensor;
}

}  // namespace nestor::train
