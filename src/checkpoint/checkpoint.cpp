#include "checkpoint/checkpoint.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace nestor::checkpoint {
namespace {

constexpr std::uint64_t kMostIndexBytes = 256U << 20;

std::vector<std::filesystem::path> safetensors_files(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    fail(ErrorKind::not_found, "{}: expected a checkpoint folder, found {}", folder.string(),
         std::filesystem::exists(folder, error) ? "a file" : "nothing there");
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.front() != '.' && entry.path().extension() == ".safetensors") paths.push_back(entry.path());
  }
  if (error) fail(ErrorKind::io, "{}: cannot list the folder: {}", folder.string(), error.message());
  if (paths.empty()) {
    fail(ErrorKind::not_found,
         "{}: no *.safetensors file in this folder; expected the weights of a checkpoint", folder.string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Checkpoint::File::File(const std::filesystem::path& path)
    : input(path), mapping(input), entries(parse_safetensors(mapping.bytes(), input.size(), path.string())) {}

Checkpoint::Checkpoint(const std::filesystem::path& folder) : folder_(folder) {
  for (const auto& path : safetensors_files(folder)) add_file(path);
  check_index();
}

void Checkpoint::add_file(const std::filesystem::path& path) {
  files_.push_back(std::make_unique<File>(path));
  const File& file = *files_.back();
  for (const TensorEntry& entry : file.entries) {
    const auto [at, inserted] =
        tensors_.try_emplace(entry.name, StoredTensor{&entry, &file.input, &file.mapping});
    if (!inserted) {
      fail(ErrorKind::bad_input, "tensor {} is both in {} and in {}; remove the file that does not belong",
           in_quotes(entry.name), at->second.file->path().string(), path.string());
    }
  }
}

void Checkpoint::check_index() const {
  const auto path = folder_ / "model.safetensors.index.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return;
  const Json index = read_json(path, kMostIndexBytes);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object()) {
    fail(ErrorKind::bad_input, "{}: expected an object with a weight_map", path.string());
  }
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string())
      fail(ErrorKind::bad_input, "{}: {} must name a file", path.string(), in_quotes(name));
    const StoredTensor* tensor = find(name);
    if (tensor == nullptr) {
      fail(ErrorKind::bad_input,
           "{}: tensor {} should be in {} but is in no file of the folder; is a shard missing?",
           path.string(), in_quotes(name), in_quotes(file.get_ref<const std::string&>()));
    }
    const std::string found = tensor->file->path().filename().string();
    if (found != file.get_ref<const std::string&>()) {
      fail(ErrorKind::bad_input, "{}: tensor {} should be in {} but is in {}", path.string(), in_quotes(name),
           in_quotes(file.get_ref<const std::string&>()), in_quotes(found));
    }
  }
}

const StoredTensor* Checkpoint::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

std::uint64_t Checkpoint::file_bytes() const {
  std::uint64_t total = 0;
  for (const auto& file : files_) total += file->input.size();
  return total;
}

}  // namespace nestor::checkpoint
