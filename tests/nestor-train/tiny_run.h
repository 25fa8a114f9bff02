// Training runs that take a second or two: a recipe of a tiny model, text made up for it, and calls of
// nestor-train.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "nestor/process.h"
#include "support/scratch_folder.h"

namespace nestor::testing {

/// For Call::kill_when: once this stands there.
inline std::function<bool(const std::string&)> printed(std::string text) {
  return [text = std::move(text)](const std::string& all) { return all.find(text) != std::string::npos; };
}

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
  /// The same with variables of the environment, as in "NAME=value".
  Call call_with(const std::vector<std::string>& variables, const std::string& out,
                 const std::vector<std::string>& more = {}) const;
  /// The same as $0 "$@" of a script of the shell.
  Call call_in_shell(const std::string& script, const std::string& out,
                     const std::vector<std::string>& more = {}) const;
  Outcome train(const std::string& out, const std::vector<std::string>& more = {}) const;
  /// The same, which must succeed.
  Outcome trained(const std::string& out, const std::vector<std::string>& more = {}) const;

  /// Bytes of every file of a run's checkpoint.
  std::map<std::string, std::string> final_files(const std::string& out,
                                                 const std::string& name = "final") const;
  /// metrics.jsonl by step and kind of line, without what depends on time.
  std::map<std::string, Json> metrics(const std::string& out) const;

 private:
  ScratchFolder scratch_;
};

/// A folder with the run "whole", which nothing disturbed: what others are compared with. Made once.
const TinyRun& undisturbed();

/// That the run `out` ended with the same files as the undisturbed one.
void expect_same_end(const TinyRun& tiny, const std::string& out);

}  // namespace nestor::testing
