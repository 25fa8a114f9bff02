#include "train/loop/snapshot.h"

#include <cstring>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "config/json_fields.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kVersion = 1;
constexpr const char* kTensorFile = "state.safetensors";
constexpr std::uint64_t kMostStateBytes = 64U << 20;

DType dtype_of(const KeptTensor& kept) {
  switch (kept.tensor.scalar_type()) {
    case torch::kFloat32:
      return DType::f32;
    case torch::kFloat64:
      return DType::f64;
    case torch::kInt64:
      return DType::i64;
    default:
      fail(ErrorKind::internal, "{}: no snapshot of such numbers", kept.name);
  }
}

std::span<const std::byte> bytes_of(const torch::Tensor& on_host) {
  return {static_cast<const std::byte*>(on_host.const_data_ptr()), on_host.nbytes()};
}

std::string_view characters(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Checksums by name: a bit that flips on the disk must not become a strange model.
Json write_tensors(const fs::path& path, std::span<const KeptTensor> tensors) {
  std::vector<checkpoint::PlannedTensor> plan;
  for (const KeptTensor& kept : tensors)
    plan.push_back({kept.name, dtype_of(kept), kept.tensor.sizes().vec()});
  checkpoint::SafetensorsWriter writer(path, plan);
  Json sums = Json::object();
  for (const KeptTensor& kept : tensors) {
    const torch::Tensor on_host = kept.tensor.detach().to(torch::kCPU).contiguous();
    writer.append(bytes_of(on_host));
    sums[kept.name] = crc32c(characters(bytes_of(on_host)));
  }
  writer.finish();
  return sums;
}

Json to_json(const State& s) {
  return {{"version", kVersion},
          {"step", s.step},
          {"products", name_of(s.arithmetic.products)},
          {"threads", s.arithmetic.threads},
          {"kernels", s.arithmetic.kernels},
          {"corpus", s.corpus},
          {"recipe", s.recipe}};
}

}  // namespace

void write_snapshot(const RunFolder& folder, const State& state, std::span<const KeptTensor> tensors) {
  const fs::path target = folder.snapshot(state.step);
  const fs::path temporary = target.string() + ".part";
  try {
    fs::remove_all(temporary);
    fs::create_directories(temporary);
    Json json = to_json(state);
    json["checksums"] = write_tensors(temporary / kTensorFile, tensors);
    write_file(temporary / kStateFile, to_text(json, 2) + "\n");
    sync_folder(temporary);
    fs::remove_all(target);  // of an earlier attempt that was cut short, or the same step again
    fs::rename(temporary, target);
    sync_folder(folder.snapshots());
  } catch (const fs::filesystem_error& problem) {
    fail(ErrorKind::io, "{}: cannot write a snapshot: {}", target.string(), problem.code().message());
  }
}

State read_state(const fs::path& snapshot) {
  const fs::path path = snapshot / kStateFile;
  const Json json = read_json(path, kMostStateBytes);
  config::Fields fields(json, path.string());
  if (fields.integer("version", 0, INT32_MAX) != kVersion) {
    fail(ErrorKind::bad_input, "{}: a snapshot of version {} is expected", path.string(), kVersion);
  }
  State state;
  state.step = fields.integer("step", 0, std::int64_t{1} << 40);
  const std::string products = fields.optional_string("products").value_or("");
  if (products != "f32" && products != "bf16") {
    fail(ErrorKind::bad_input, "{}: products is {}, expected f32 or bf16", path.string(),
         in_quotes(products));
  }
  state.arithmetic.products = products == "bf16" ? ops::Products::bf16 : ops::Products::f32;
  state.arithmetic.threads = static_cast<int>(fields.integer("threads", 1, 1024));
  state.arithmetic.kernels = fields.optional_string("kernels").value_or("");
  const Json* corpus = fields.optional_object("corpus");
  const Json* recipe = fields.optional_object("recipe");
  if (recipe == nullptr) fields.note_missing("recipe");
  if (corpus == nullptr) fields.note_missing("corpus");
  fields.check_missing();
  state.recipe = *recipe;
  state.corpus = *corpus;
  return state;
}

void read_tensors(const fs::path& snapshot, std::span<const KeptTensor> tensors) {
  const checkpoint::Checkpoint stored(snapshot);
  const Json state = read_json(snapshot / kStateFile, kMostStateBytes);
  const Json sums = state.value("checksums", Json::object());
  if (stored.tensors().size() != tensors.size()) {
    fail(ErrorKind::bad_input, "{}: the snapshot has {} tensors, the run {}", snapshot.string(),
         stored.tensors().size(), tensors.size());
  }
  for (const KeptTensor& kept : tensors) {
    const checkpoint::StoredTensor* found = stored.find(kept.name);
    if (found == nullptr)
      fail(ErrorKind::bad_input, "{}: no tensor {} in the snapshot", snapshot.string(), kept.name);
    if (found->entry->dtype != dtype_of(kept) || found->entry->shape != kept.tensor.sizes().vec()) {
      fail(ErrorKind::bad_input, "{}: tensor {} is {}{} in the snapshot, expected {}{}", snapshot.string(),
           kept.name, nestor::name_of(found->entry->dtype), checkpoint::shape_text(found->entry->shape),
           nestor::name_of(dtype_of(kept)), checkpoint::shape_text(kept.tensor.sizes().vec()));
    }
    const std::span<const std::byte> bytes = found->bytes();
    if (!sums.contains(kept.name) || sums[kept.name] != crc32c(characters(bytes))) {
      fail(ErrorKind::bad_input,
           "{}: the bytes of {} are damaged; remove this snapshot to go on from the one before",
           snapshot.string(), kept.name);
    }
    const torch::NoGradGuard no_grad;
    const torch::Tensor on_host =
        torch::empty(kept.tensor.sizes(), kept.tensor.options().device(torch::kCPU));
    std::memcpy(on_host.mutable_data_ptr(), bytes.data(), bytes.size());
    kept.tensor.copy_(on_host);
  }
}

std::vector<std::int64_t> prune_snapshots(const RunFolder& folder, std::size_t keep) {
  std::vector<std::int64_t> steps = folder.saved_steps();
  if (steps.size() > keep) steps.erase(steps.begin(), steps.end() - static_cast<std::ptrdiff_t>(keep));
  if (!fs::exists(folder.snapshots())) return steps;
  std::vector<fs::path> useless;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.snapshots())) {
    bool kept = false;
    for (const std::int64_t step : steps) kept = kept || entry.path() == folder.snapshot(step);
    if (!kept) useless.push_back(entry.path());
  }
  for (const fs::path& path : useless) {
    fs::remove(path / kStateFile);  // first: what is half removed is no snapshot
    fs::remove_all(path);
  }
  return steps;
}

}  // namespace nestor::train
