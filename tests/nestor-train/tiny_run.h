// Training runs that take a second or two: a recipe of a tiny model, text made up for it, and calls of
// nestor-train.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "nestor/process.h"
#include "support/scratch_folder.h"

namespace nestor::testing {

/// A folder with recipe.json (24 steps, a snapshot every 4) and text.jsonl; runs go to folders in it.
class TinyRun {
 public:
  TinyRun();

  std::filesystem::path operator/(const std::string& name) const { return scratch_.path() / name; }
  std::string write(const std::string& name, std::string_view bytes) const {
    return scratch_.write(name, bytes).string();
  }

  /// nestor-train recipe.json --out `out` and what is given more.
  Call call(const std::string& out, const std::vector<std::string>& more = {}) const;
  Outcome train(const std::string& out, const std::vector<std::string>& more = {}) const;
  /// The same, which must succeed.
  Outcome trained(const std::string& out, const std::vector<std::string>& more = {}) const;

  /// Bytes of every file of OUT/final.
  std::map<std::string, std::string> final_files(const std::string& out) const;
  /// metrics.jsonl by step and kind of line, without what depends on time.
  std::map<std::string, Json> metrics(const std::string& out) const;

 private:
  ScratchFolder scratch_;
};

}  // namespace nestor::testing
