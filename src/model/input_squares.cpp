#include "model/input_squares.h"

#include <map>

#include "checkpoint/safetensors_writer.h"

namespace nestor::model {

void InputSquares::see(const kernels::MatrixView& w, kernels::Rows x, std::int64_t rows) {
  if (!names_.contains(w.data)) return;
  Sums& sums = sums_[w.data];
  sums.squares.resize(static_cast<std::size_t>(w.cols));
  for (std::int64_t t = 0; t < rows; ++t) {
    const float* row = x.row(t);
    for (std::size_t i = 0; i < sums.squares.size(); ++i)
      sums.squares[i] += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  }
  sums.rows += rows;
}

void InputSquares::write(const std::filesystem::path& file) const {
  std::map<std::string, const Sums*> by_name;
  for (const auto& [data, sums] : sums_) by_name.emplace(names_.at(data), &sums);
  std::vector<checkpoint::PlannedTensor> plan;
  for (const auto& [name, sums] : by_name)
    plan.push_back({name, DType::f32, {static_cast<std::int64_t>(sums->squares.size())}});
  checkpoint::SafetensorsWriter writer(file, plan);
  for (const auto& [name, sums] : by_name) {
    std::vector<float> means;
    for (const double square : sums->squares)
      means.push_back(
          static_cast<float>(square / static_cast<double>(std::max<std::int64_t>(sums->rows, 1))));
    writer.append(std::as_bytes(std::span(means)));
  }
  writer.finish();
}

}  // namespace nestor::model
