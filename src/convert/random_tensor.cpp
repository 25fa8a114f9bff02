#include "convert/random_tensor.h"

#include <fmt/format.h>

#include <cmath>

#include "base/random.h"

namespace nestor::convert {
namespace {

// Sizes that keep activations near one through the layers, so that every part of a random model has a say:
// matrices preserve the length of a vector, norms stay near one and their biases near zero, selection biases
// are of the size of a probability.
struct Spread {
  float mean;
  float deviation;
};

Spread spread_of(const config::TensorInfo& t) {
  const bool table = t.storage == config::Storage::table;
  if (table && t.slot.part != config::Part::draft) return {0, 1};
  if (t.slot.field == config::Field::embedding_norm_bias) return {0, 0.1F};
  if (t.slot.field == config::Field::correction_bias) return {0, 1.0F / static_cast<float>(t.shape[0])};
  if (t.rank == 1) return {1, 0.1F};
  const auto inputs = static_cast<float>(t.shape[static_cast<std::size_t>(t.rank - 1)]);
  return {0, 1.0F / std::sqrt(inputs)};
}

}  // namespace

std::uint64_t RandomTensor::key_of(std::uint64_t seed, const config::TensorInfo& tensor) {
  return seed ^ key_of_name(tensor.name);
}

RandomTensor::RandomTensor(std::uint64_t seed, const config::TensorInfo& tensor, const std::string& name)
    : key_(seed ^ key_of_name(name)),
      mean_(spread_of(tensor).mean),
      deviation_(spread_of(tensor).deviation) {}

std::string RandomTensor::distribution_of(const config::TensorInfo& tensor) {
  const Spread spread = spread_of(tensor);
  return fmt::format("mean {}, deviation {}", spread.mean, spread.deviation);
}

void RandomTensor::fill(std::int64_t first, std::vector<float>& out) const {
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const auto pair = normal_pair(key_, (static_cast<std::uint64_t>(first) + i) / 2, 0);
    out[i] = mean_ + deviation_ * pair[0];
    if (i + 1 < out.size()) out[i + 1] = mean_ + deviation_ * pair[1];
  }
}

}  // namespace nestor::convert
