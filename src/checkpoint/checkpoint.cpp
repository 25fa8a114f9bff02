#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/folder.h"
#include "base/json.h"
#include "config/other_formats.h"

namespace nestor::checkpoint {
namespace {

constexpr std::uint64_t kMostIndexBytes = 256U << 20;

constexpr std::string_view kIndex = "model.safetensors.index.json";

std::vector<std::filesystem::path> safetensors_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& name : names_in(folder)) {
    if (name.front() != '.' && name.ends_with(".safetensors")) paths.push_back(folder / name);
  }
  if (paths.empty()) config::fail_without("*.safetensors file", folder);
  return paths;
}

// weight_map of the index, or null where there is no index.
Json read_weight_map(const std::filesystem::path& folder) {
  const auto path = folder / kIndex;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return nullptr;
  Json index = read_json(path, kMostIndexBytes);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object()) {
    fail(ErrorKind::bad_input, "{}: expected an object with a weight_map", path.string());
  }
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string())
      fail(ErrorKind::bad_input, "{}: {} must name a file", path.string(), in_quotes(name));
  }
  return std::move(*map);
}

std::set<std::string> files_named_in(const Json& weight_map) {
  std::set<std::string> names;
  for (const auto& [tensor, file] : weight_map.items()) names.insert(file.get<std::string>());
  return names;
}

}  // namespace

Checkpoint::File::File(const std::filesystem::path& path)
    : input(path), mapping(input), entries(parse_safetensors(mapping.bytes(), input.size(), path.string())) {}

Checkpoint::Checkpoint(const std::filesystem::path& folder) : folder_(folder) {
  const Json weight_map = read_weight_map(folder);
  const auto named = files_named_in(weight_map);
  for (const auto& path : safetensors_files(folder)) {
    const std::string name = path.filename().string();
    if (weight_map.is_null() || named.count(name) > 0) {
      add_file(path);
    } else {
      unused_files_.push_back(name);
    }
  }
  check_index(weight_map);
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

void Checkpoint::check_index(const Json& weight_map) const {
  const std::string path = (folder_ / kIndex).string();
  for (const auto& [name, file] : weight_map.items()) {
    const auto& wanted = file.get_ref<const std::string&>();
    const StoredTensor* tensor = find(name);
    if (tensor == nullptr) {
      const bool there = std::any_of(files_.begin(), files_.end(), [&](const auto& opened) {
        return opened->input.path().filename() == wanted;
      });
      fail(ErrorKind::bad_input, "{}: tensor {} should be in {}, {}", path, in_quotes(name),
           in_quotes(wanted),
           there ? "but that file does not have it"
                 : "which is not in the folder; is a shard missing, or its download unfinished?");
    }
    const std::string found = tensor->file->path().filename().string();
    if (found != wanted) {
      fail(ErrorKind::bad_input, "{}: tensor {} should be in {} but is in {}", path, in_quotes(name),
           in_quotes(wanted), in_quotes(found));
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
