// The processes that take a step together, each with a part of its batch: sums over all of them, and rows
// sent to whom they concern. The signatures are those of collective communication; one process has nobody to
// talk to.
#pragma once

#include <vector>

#include "train/torch.h"

namespace nestor::train {

/// Every call is made by all processes, in the same order. Results are the same bits in every process.
class Mesh {
 public:
  virtual ~Mesh() = default;

  virtual int rank() const = 0;  // from 0
  virtual int size() const = 0;
  /// Replaces `values` [..], of one shape and type everywhere, by their sum over all processes.
  virtual void all_reduce(torch::Tensor values) = 0;
  /// parts[r] [.., cols] goes to process r; element r of the result came from there. Types and columns agree
  /// everywhere, the number of rows is anybody's own.
  virtual std::vector<torch::Tensor> all_to_all(std::vector<torch::Tensor> parts) = 0;
};

class OneProcess final : public Mesh {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce(torch::Tensor) override {}
  std::vector<torch::Tensor> all_to_all(std::vector<torch::Tensor> parts) override { return parts; }
};

}  // namespace nestor::train
