#include "train/loop/snapshot.h"

#include <cstring>
#include <regex>

#include "base/checked_json.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "config/json_fields.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kVersion =
    2;  // 1: no checksum of state.json, rows in one chain of files beside the snapshots
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
    sums[kept.name] = crc32c(bytes_of(on_host));
  }
  writer.finish();
  return sums;
}

// Several processes would write a folder each, with the rows that they own.
constexpr const char* kRowsFolder = "rows-0-of-1";
constexpr std::int64_t kOwners = 1;

Json to_json(const State& s) {
  return {{"version", kVersion},
          {"step", s.step},
          {"earlier_steps", s.earlier_steps},
          {"evaluation_due", s.evaluation_due},
          {"products", name_of(s.arithmetic.products)},
          {"threads", s.arithmetic.threads},
          {"kernels", s.arithmetic.kernels},
          {"corpus", s.corpus},
          {"recipe", s.recipe},
          {"owners", kOwners}};
}

}  // namespace

void write_snapshot(const RunFolder& folder, const State& state, std::span<const KeptTensor> tensors,
                    const WriteRows& write_rows) {
  const fs::path target = folder.snapshot(state.step);
  const fs::path temporary = target.string() + ".part";
  std::error_code ignored;
  try {
    fs::remove_all(temporary);
    const fs::path rows = temporary / kRowsFolder;
    fs::create_directories(rows);
    write_rows(rows);
    sync_folder(rows);
    Json json = to_json(state);
    json["checksums"] = write_tensors(temporary / kTensorFile, tensors);
    write_file(temporary / kStateFile, to_text(with_checksum(std::move(json)), 2) + "\n");
    sync_folder(temporary);
    fs::remove_all(target);  // of an earlier attempt, or the same step again
    fs::rename(temporary, target);
    sync_folder(folder.snapshots());
  } catch (const fs::filesystem_error& problem) {
    fs::remove_all(temporary, ignored);
    fail(ErrorKind::io, "{}: cannot write a snapshot: {}", target.string(), problem.code().message());
  } catch (const Error&) {
    fs::remove_all(temporary, ignored);  // a full disk has room again
    throw;
  }
}

State read_state(const fs::path& snapshot) {
  const fs::path path = snapshot / kStateFile;
  Json json = read_json(path, kMostStateBytes);
  const bool checked = json.is_object() && json.contains("checksum");
  if (checked) take_checksum(json, path.string());
  config::Fields fields(json, path.string());
  const std::int64_t version = fields.integer("version", 0, INT32_MAX);
  if (version != kVersion && version != 1) {
    fail(ErrorKind::bad_input, "{}: a snapshot of version {} is expected", path.string(), kVersion);
  }
  if (checked != (version == kVersion))
    fail(ErrorKind::bad_input, "{}: its checksum is missing", path.string());
  State state;
  state.step = fields.integer("step", 0, std::int64_t{1} << 40);
  state.earlier_steps = fields.optional_integer("earlier_steps", 0, std::int64_t{1} << 40).value_or(0);
  state.evaluation_due = fields.optional_boolean("evaluation_due").value_or(false);
  const std::int64_t owners = fields.optional_integer("owners", 1, INT32_MAX).value_or(kOwners);
  if (owners != kOwners)
    fail(ErrorKind::unsupported, "{}: {} processes wrote it, expected one", path.string(), owners);
  if (version == 1) state.rows = State::Rows::beside;
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

fs::path rows_folder(const fs::path& snapshot, State::Rows rows) {
  return rows == State::Rows::own ? snapshot / kRowsFolder : snapshot.parent_path().parent_path() / "tables";
}

void read_tensors(const fs::path& snapshot, std::span<const KeptTensor> tensors, Surplus surplus) {
  const checkpoint::Checkpoint stored(snapshot);
  const Json state = read_json(snapshot / kStateFile, kMostStateBytes);
  const Json sums = state.value("checksums", Json::object());
  if (surplus == Surplus::refuse && stored.tensors().size() != tensors.size()) {
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
    if (!sums.contains(kept.name) || sums[kept.name] != crc32c(bytes)) {
      fail(ErrorKind::bad_input, "{}: the bytes of {} are damaged", snapshot.string(), kept.name);
    }
    const torch::NoGradGuard no_grad;
    const torch::Tensor on_host =
        torch::empty(kept.tensor.sizes(), kept.tensor.options().device(torch::kCPU));
    std::memcpy(on_host.mutable_data_ptr(), bytes.data(), bytes.size());
    kept.tensor.copy_(on_host);
  }
}

std::vector<std::int64_t> prune_snapshots(const RunFolder& folder, std::int64_t step, std::size_t keep) {
  std::vector<std::int64_t> steps = saved_steps(folder.path());
  std::erase_if(steps, [&](std::int64_t saved) { return saved > step; });  // of a future that did not come
  if (steps.size() > keep) steps.erase(steps.begin(), steps.end() - static_cast<std::ptrdiff_t>(keep));
  static const std::regex ours(R"(step-\d{9,}(\.part)?)");
  std::vector<fs::path> useless;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.snapshots())) {
    const bool kept = std::ranges::any_of(steps, [&](auto s) { return entry.path() == folder.snapshot(s); });
    const bool folder_of_ours = entry.is_directory() && !entry.is_symlink();
    if (!kept && folder_of_ours && std::regex_match(entry.path().filename().string(), ours))
      useless.push_back(entry.path());
  }
  for (const fs::path& path : useless) {
    fs::remove(path / kStateFile);  // first: what is half removed is no snapshot
    fs::remove_all(path);
  }
  return steps;
}

}  // namespace nestor::train
