// The right to write into a folder, for one process at a time.
#pragma once

#include <filesystem>

namespace nestor {

/// Held until it is destroyed, or the process ends however it does. A file tells other processes meanwhile.
class FolderLock {
 public:
  /// The name of that file. A killed process leaves it behind, where it means nothing.
  static constexpr const char* kFile = "lock";

  /// Makes the folder if need be. Error(usage) if another process holds it, Error(io) if it cannot be
  /// written.
  explicit FolderLock(const std::filesystem::path& folder);
  /// A folder that was made and is still empty goes away with the file.
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  /// Whether the folder holds nothing but the lock.
  bool holds_nothing_else() const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path file_;
  bool made_ = false;
  int descriptor_ = -1;
};

}  // namespace nestor
