// The folder of one run: who may write to it, and where things lie in it.
//   lock               held while a process trains here
//   recipe.json        the resolved recipe
//   corpus/            text files of the recipe, packed
//   snapshots/step-N/  complete states, the last two; tables/ beside them holds their rows
//   metrics.jsonl      one object per report; tensorboard/ the same as event files
//   final/             the finished checkpoint
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace nestor::train {

class RunFolder {
 public:
  enum class Mode { fresh, resume };

  /// Makes the folder if need be and locks it. Error(usage) if another process holds it, or if it is not
  /// empty and `mode` is fresh; Error(io) if it cannot be written.
  RunFolder(const std::filesystem::path& folder, Mode mode);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path recipe() const { return path_ / "recipe.json"; }
  std::filesystem::path corpus() const { return path_ / "corpus"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path events() const { return path_ / "tensorboard"; }
  std::filesystem::path tables() const { return path_ / "tables"; }
  std::filesystem::path snapshots() const { return path_ / "snapshots"; }
  std::filesystem::path final() const { return path_ / "final"; }

  std::filesystem::path snapshot(std::int64_t step) const;
  /// Steps of complete snapshots, ascending.
  std::vector<std::int64_t> saved_steps() const;
  bool is_finished() const;

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

/// The name under which a snapshot says that it is complete; written last.
inline constexpr const char* kStateFile = "state.json";

/// Makes the entries of a folder durable.
void sync_folder(const std::filesystem::path& folder);

}  // namespace nestor::train
