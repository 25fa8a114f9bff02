#include "checkpoint/safetensors_writer.h"

#include <array>

#include "base/error.h"
#include "base/json.h"

namespace nestor::checkpoint {

std::uint64_t PlannedTensor::bytes() const {
  std::uint64_t n = size_of(dtype);
  for (const std::int64_t d : shape) n *= static_cast<std::uint64_t>(d);
  return n;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     const std::vector<PlannedTensor>& plan, BodyStart start)
    : file_(path) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  for (const PlannedTensor& tensor : plan) {
    const std::uint64_t end = expected_ + tensor.bytes();
    Json entry = {{"dtype", std::string(name_of(tensor.dtype))}, {"shape", tensor.shape}};
    entry["data_offsets"] = {expected_, end};
    header += fmt::format(",{}:{}", to_text(Json(tensor.name)), to_text(entry));
    expected_ = end;
  }
  header += '}';
  const auto align = static_cast<std::size_t>(start);
  std::array<char, 8> length{};
  header.append((align - (length.size() + header.size()) % align) % align, ' ');
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<char>(header.size() >> (8 * i));
  file_.write(std::string_view(length.data(), length.size()));
  file_.write(header);
}

void SafetensorsWriter::append(std::span<const std::byte> bytes) {
  file_.write(bytes);
  written_ += bytes.size();
}

void SafetensorsWriter::finish() {
  if (written_ != expected_) {
    fail(ErrorKind::internal, "a safetensors body of {} bytes was planned, {} were written", expected_,
         written_);
  }
  file_.commit();
}

std::string index_text(std::span<const WrittenFile> files) {
  Json map = Json::object();
  std::uint64_t total = 0;
  for (const WrittenFile& file : files) {
    for (const PlannedTensor& tensor : file.tensors) {
      total += tensor.bytes();
      add_unique(map, tensor.name, file.name);
    }
  }
  return to_text({{"metadata", {{"total_size", total}}}, {"weight_map", std::move(map)}}, 1) + "\n";
}

}  // namespace nestor::checkpoint
