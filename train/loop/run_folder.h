// The folder of one run: who may write to it, and where things lie in it.
//   run.json           makes the folder a run: what was asked (run_record.h); written first
//   lock               held while a process trains here
//   recipe.json        the resolved recipe, for people
//   corpus/            text files of the recipe, packed
//   snapshots/step-N/  complete states, the last two; older versions kept their rows in tables/
//   metrics.jsonl      one object per report; tensorboard/ the same as event files
//   report.html        the same for people
//   final/             the finished checkpoint
// Nothing else in the folder is touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/folder_lock.h"

namespace nestor::train {

class RunFolder {
 public:
  enum class Mode { fresh, resume };

  /// Makes the folder if need be and locks it. A fresh run takes a new folder, an empty one, or one where a
  /// run ended before it read anything; resuming takes these and runs. Error(usage) for every other folder
  /// and where another process holds it; Error(io) if it cannot be written.
  RunFolder(const std::filesystem::path& folder, Mode mode);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path record() const { return path_ / "run.json"; }
  std::filesystem::path recipe() const { return path_ / "recipe.json"; }
  std::filesystem::path corpus() const { return path_ / "corpus"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path page() const { return path_ / "report.html"; }
  std::filesystem::path events() const { return path_ / "tensorboard"; }
  std::filesystem::path tables() const { return path_ / "tables"; }
  std::filesystem::path snapshots() const { return path_ / "snapshots"; }
  std::filesystem::path final() const { return path_ / "final"; }

  std::filesystem::path snapshot(std::int64_t step) const;

 private:
  std::filesystem::path path_;
  FolderLock lock_;
};

/// Steps of complete snapshots of a run, ascending.
std::vector<std::int64_t> saved_steps(const std::filesystem::path& run);
std::filesystem::path snapshot_path(const std::filesystem::path& run, std::int64_t step);

/// Whether a folder is that of a run, or was one before runs had records: a recipe with snapshots or a
/// result.
bool is_run(const std::filesystem::path& folder);

/// The name under which a snapshot says that it is complete; written last.
inline constexpr const char* kStateFile = "state.json";

}  // namespace nestor::train
