#include "study/job_store.h"

#include <fmt/format.h>

#include "base/checked_json.h"
#include "base/error.h"
#include "base/file.h"
#include "study/grid.h"

namespace nestor::study {
std::optional<Json> JobStore::find(const std::string& key, const Note& note) const {
  const std::filesystem::path path = file(key);
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    Json found = read_json(path, kMostFileBytes);
    take_checksum(found, path.string());
    if (found.at("key") != key) fail(ErrorKind::bad_input, "{}: is the result of another job", path.string());
    return found.at("result");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_input) throw;
    note(fmt::format("warning: {}; it is computed again", error.what()));
  } catch (const Json::exception& error) {
    note(fmt::format("warning: {}: {}; it is computed again", path.string(), error.what()));
  }
  return std::nullopt;
}

void JobStore::put(const std::string& key, const Json& result) const {
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem) fail(ErrorKind::io, "{}: cannot make the folder: {}", folder_.string(), problem.message());
  write_file(file(key), to_text(with_checksum({{"key", key}, {"result", result}})) + "\n");
}

}  // namespace nestor::study
