// Encoded tensors of random values without encoding every value: of each kind of tensor some thousand random
// tiles or records are encoded, and each place of a tensor gets one of them, drawn by (seed, tensor name,
// place). A model of tens of gigabytes is written at the speed of the disk.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "convert/target.h"
#include "convert/tensor_encoder.h"

namespace nestor::convert {

class RandomEncoder {
 public:
  RandomEncoder(std::uint64_t seed, TensorEncoder& encoder) : seed_(seed), encoder_(encoder) {}

  /// Whether the tensor consists of whole tiles or of records.
  static bool takes(const TargetTensor& target);

  /// The bytes of the tensor in order, to `sink`.
  void encode(const TargetTensor& target, const TensorEncoder::Sink& sink);

 private:
  // Encoded tiles or records, one after the other.
  struct Pool {
    std::int64_t unit_bytes = 0;
    std::vector<std::byte> units;
  };
  const Pool& pool_for(const TargetTensor& target);

  std::uint64_t seed_;
  TensorEncoder& encoder_;
  std::map<std::string, Pool> pools_;  // by format, columns and distribution
};

}  // namespace nestor::convert
