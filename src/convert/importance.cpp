#include "convert/importance.h"

#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/safetensors.h"
#include "convert/job_log.h"

namespace nestor::convert {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

}  // namespace

Importance Importance::read(const std::filesystem::path& file) {
  const std::string content = read_file(file, kMostBytes);
  const auto bytes = std::as_bytes(std::span(content));
  Importance found;
  found.file_ = file;
  for (const auto& entry : checkpoint::parse_safetensors(bytes, bytes.size(), file.string())) {
    if (entry.dtype != DType::f32 || entry.shape.size() != 1) {
      fail(ErrorKind::bad_input,
           "{}: tensor {}: expected one row of F32 as nestor eval --write-importance makes it, found {} {}",
           file.string(), entry.name, name_of(entry.dtype), checkpoint::shape_text(entry.shape));
    }
    std::vector<float>& values = found.columns_[entry.name];
    values.resize(static_cast<std::size_t>(entry.shape[0]));
    std::memcpy(values.data(), bytes.data() + entry.begin, entry.bytes);
    for (const float v : values) {
      if (std::isfinite(v) && v >= 0) continue;
      fail(ErrorKind::bad_input, "{}: tensor {}: expected mean squares, found {}", file.string(), entry.name,
           v);
    }
  }
  if (found.empty())
    fail(ErrorKind::bad_input, "{}: expected mean squares of inputs, found nothing", file.string());
  Checksum sum;
  sum.add(bytes);
  found.checksum_ = sum.value();
  return found;
}

void Importance::check_against(const config::ModelConfig& config, const config::NameLayout& layout) const {
  std::set<std::string, std::less<>> unknown;
  for (const auto& [name, values] : columns_) unknown.insert(name);
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& tensor) {
    const auto found = columns_.find(tensor.name);
    if (found == columns_.end()) return;
    unknown.erase(tensor.name);
    if (std::cmp_equal(found->second.size(), tensor.shape[1]) && tensor.rank == 2) return;
    fail(ErrorKind::bad_input,
         "{}: {}: expected one value for each of {} columns, found {}: it is of another model",
         file_.string(), tensor.name, tensor.shape[1], found->second.size());
  });
  if (unknown.empty()) return;
  fail(ErrorKind::bad_input, "{}: {} is no matrix of this checkpoint: the file is of another model",
       file_.string(), *unknown.begin());
}

std::span<const float> Importance::of(const config::TensorInfo& tensor) const {
  const auto found = columns_.find(tensor.name);
  if (found == columns_.end()) return {};
  return found->second;
}

}  // namespace nestor::convert
