// What an inference model computes on the way, under the names that the golden files and the trainer's
// activations have.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "layers/observer.h"

namespace nestor::testing {

class Recorder : public layers::Observer {
 public:
  void see(std::string_view layer, std::string_view part, kernels::Rows values, std::int64_t rows,
           std::int64_t cols) override {
    auto& out = seen[std::string(layer) + std::string(part)];
    for (std::int64_t t = 0; t < rows; ++t) out.insert(out.end(), values.row(t), values.row(t) + cols);
  }
  void see_routing(std::string_view layer, const kernels::Routing& routing) override {
    chosen[std::string(layer) + ".mlp.chosen"].assign(routing.expert.begin(), routing.expert.end());
  }
  std::map<std::string, std::vector<float>> seen;
  std::map<std::string, std::vector<std::int64_t>> chosen;
};

}  // namespace nestor::testing
