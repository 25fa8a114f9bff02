// What each branch of the layers adds to the residual stream, beside what the stream is there (study, finding
// of Fig. 5: a first attention that drowns the embedding).
#pragma once

#include <string>
#include <vector>

#include "train/loop/metrics.h"
#include "train/modules/observer.h"

namespace nestor::train {

/// Watches one forward pass of the whole model. In each layer these follow each other: attention 0, MLP 0,
/// attention 1, MLP 1, and the experts, whose sum joins at the end.
class BranchNorms : public Observer {
 public:
  void see(std::string_view layer, std::string_view part, const torch::Tensor& value) override;

  const std::vector<BranchNorm>& norms() const { return norms_; }

 private:
  void add(std::string name, const torch::Tensor& branch);

  torch::Tensor stream_;   // [n, H] before the next branch
  torch::Tensor experts_;  // [n, H] of this layer
  std::vector<BranchNorm> norms_;
};

}  // namespace nestor::train
