// Which reading (op_args.h) products with few rows take, for each format: what measure/streams.h finds for a
// processor, or what is built in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/op_args.h"

namespace nestor::kernels {

inline constexpr std::size_t kFormats = 6;

class Streams {
 public:
  /// What is built in.
  constexpr Streams() {
    for (const Format tiled : {Format::q8, Format::q4}) one(tiled) = few(tiled) = {3, 4608};
  }

  /// With one row of x, and with 2 to kFewRows.
  constexpr Reading& one(Format format) { return one_[static_cast<std::size_t>(format)]; }
  constexpr Reading& few(Format format) { return few_[static_cast<std::size_t>(format)]; }
  constexpr const Reading& of(Format format, std::int64_t rows) const {
    return (rows == 1 ? one_ : few_)[static_cast<std::size_t>(format)];
  }

 private:
  static constexpr std::array<Reading, kFormats> floats() {
    std::array<Reading, kFormats> all{};
    all.fill({6, 4608});
    return all;
  }
  std::array<Reading, kFormats> one_ = floats();
  std::array<Reading, kFormats> few_ = floats();
};

inline constexpr Streams kBuiltInStreams;

}  // namespace nestor::kernels
