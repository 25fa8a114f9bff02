// TensorBoard event files: TFRecord framing around the protocol buffer `Event` of TensorFlow (event.proto,
// summary.proto), as much of both as scalars need.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nestor::train {

/// One record: length, masked CRC of the length, payload, masked CRC of the payload.
std::string tf_record(std::string_view payload);

using Scalar = std::pair<std::string, double>;  // tag, value

class EventFile {
 public:
  /// A new file in `folder`. TensorBoard drops what older files say of steps from `first_step` on.
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);

  void add(std::int64_t step, std::span<const Scalar> scalars);

 private:
  void write(std::string_view payload);

  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace nestor::train
