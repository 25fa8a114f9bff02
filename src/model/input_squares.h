// How much each column of the matrices matters: the mean squares of what they are multiplied with on a text.
// Conversion weights rounding errors with them (convert/importance.h).
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/ops.h"

namespace nestor::model {

class InputSquares final : public kernels::InputSink {
 public:
  /// `names` of matrices by where their numbers lie; must outlive the object. Others are not counted.
  explicit InputSquares(const std::unordered_map<const void*, std::string>& names) : names_(names) {}

  void see(const kernels::MatrixView& w, kernels::Rows x, std::int64_t rows) override;

  /// Matrices that were multiplied so far.
  std::size_t matrices() const { return sums_.size(); }

  /// A safetensors file: for each of them a tensor of its name, [columns] of float32. Throws Error(io).
  void write(const std::filesystem::path& file) const;

 private:
  struct Sums {
    std::vector<double> squares;
    std::int64_t rows = 0;
  };

  const std::unordered_map<const void*, std::string>& names_;
  std::unordered_map<const void*, Sums> sums_;
};

}  // namespace nestor::model
