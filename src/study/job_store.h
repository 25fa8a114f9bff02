// Finished results by the key of their job: small JSON files with checksums, which may be copied together
// from several machines.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"

namespace nestor::study {

using Note = std::function<void(const std::string&)>;

class JobStore {
 public:
  explicit JobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Nothing if there is none, or one that is damaged, which `note` is told.
  std::optional<Json> find(const std::string& key, const Note& note) const;
  /// Complete or not at all. Error(io).
  void put(const std::string& key, const Json& result) const;

 private:
  std::filesystem::path file(const std::string& key) const { return folder_ / (key + ".json"); }
  std::filesystem::path folder_;
};

}  // namespace nestor::study
