#include "train/loop/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <regex>

#include "base/error.h"
#include "base/folder.h"
#include "train/loop/run_record.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "step-";

// What is there before a run reads or learns anything.
bool is_bare(const fs::path& folder) {
  static const std::regex before(R"(lock|run\.json(\.\d+\.tmp)?)"), recipe(R"(recipe\.json(\.\d+\.tmp)?)");
  const bool recorded = fs::exists(folder / kRecordFile);  // else a recipe.json is somebody's own
  return std::ranges::all_of(names_in(folder), [&](const std::string& name) {
    return std::regex_match(name, before) || (recorded && std::regex_match(name, recipe));
  });
}

void check_use(const fs::path& folder, RunFolder::Mode mode) {
  read_record(folder);  // refuses a file of that name which is none
  if (is_bare(folder)) return;
  if (!is_run(folder)) {
    fail(ErrorKind::usage,
         "{}: the folder is not empty and no run (it has no run.json); choose another --out",
         folder.string());
  }
  if (mode == RunFolder::Mode::fresh) {
    fail(ErrorKind::usage,
         "{}: there is a run in this folder; give --resume to go on with it, or choose another --out",
         folder.string());
  }
  for (const char* name : {"snapshots", "tables"}) {
    if (!fs::is_symlink(folder / name)) continue;
    fail(ErrorKind::usage,
         "{}: is a link, and a run removes old snapshots only in its own folder; move the folder that it "
         "leads "
         "to here, or the whole run to there",
         (folder / name).string());
  }
}

const fs::path& checked(const fs::path& folder, RunFolder::Mode mode) {
  check_use(folder, mode);
  return folder;
}

// What a killed process was writing when it ended; nobody else writes here while the lock is held.
void remove_leftovers(const fs::path& folder) {
  static const std::regex unfinished(
      R"(corpus\.\d+\.tmp|final\.partial|(run|recipe)\.json\.\d+\.tmp|(metrics\.jsonl|report\.html)\.\d+\.tmp)");
  for (const std::string& name : names_in(folder)) {
    if (std::regex_match(name, unfinished)) fs::remove_all(folder / name);  // of a link, the link
  }
}

}  // namespace

// The lock comes second: in a folder that is none of ours it would be one file too many.
RunFolder::RunFolder(const fs::path& folder, Mode mode) : path_(checked(folder, mode)), lock_(path_) {
  check_use(path_, mode);  // again: another process may have begun a run meanwhile
  remove_leftovers(path_);
}

fs::path RunFolder::snapshot(std::int64_t step) const { return snapshot_path(path_, step); }

fs::path snapshot_path(const fs::path& run, std::int64_t step) {
  return run / "snapshots" / fmt::format("{}{:09}", kPrefix, step);
}

std::vector<std::int64_t> saved_steps(const fs::path& run) {
  std::vector<std::int64_t> steps;
  for (const std::string& name : names_in(run / "snapshots")) {
    std::int64_t step = 0;
    if (!name.starts_with(kPrefix) || !fs::exists(run / "snapshots" / name / kStateFile)) continue;
    const char* end = name.data() + name.size();
    const auto [rest, failure] = std::from_chars(name.data() + kPrefix.size(), end, step);
    if (failure == std::errc() && rest == end && snapshot_path(run, step).filename() == name)
      steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

bool is_run(const fs::path& folder) {
  if (fs::exists(folder / kRecordFile)) return true;
  const bool has_results = !saved_steps(folder).empty() || fs::exists(folder / "final" / "config.json");
  return fs::exists(folder / "recipe.json") && has_results;
}

}  // namespace nestor::train
