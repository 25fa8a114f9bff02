#include "train/loop/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;
constexpr const char* kLock = "lock";
constexpr std::string_view kPrefix = "step-";

bool holds_more_than_a_lock(const fs::path& folder) {
  const auto is_content = [](const fs::directory_entry& entry) { return entry.path().filename() != kLock; };
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(), is_content);
}

// What a killed process was writing when it ended; nobody else writes here while the lock is held.
void remove_leftovers(const fs::path& folder) {
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".tmp") || name.ends_with(".partial")) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove_all(path);
}

}  // namespace

RunFolder::RunFolder(const fs::path& folder, Mode mode) : path_(folder) {
  std::error_code problem;
  fs::create_directories(path_, problem);
  if (problem) fail(ErrorKind::io, "{}: cannot make the folder: {}", path_.string(), problem.message());
  lock_ = ::open((path_ / kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) fail(ErrorKind::io, "{}: cannot write here: {}", path_.string(), std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    ::close(lock_);
    if (reason != EWOULDBLOCK)
      fail(ErrorKind::io, "{}: cannot lock: {}", path_.string(), std::strerror(reason));
    fail(ErrorKind::usage,
         "{}: another process trains in this folder; wait for it, stop it, or choose another --out",
         path_.string());
  }
  if (mode == Mode::fresh && holds_more_than_a_lock(path_)) {
    ::close(lock_);
    fail(ErrorKind::usage,
         "{}: the folder is not empty; give --resume to continue the run in it, or another --out",
         path_.string());
  }
  if (mode == Mode::resume) remove_leftovers(path_);
}

RunFolder::~RunFolder() { ::close(lock_); }

fs::path RunFolder::snapshot(std::int64_t step) const {
  return snapshots() / fmt::format("{}{:09}", kPrefix, step);
}

std::vector<std::int64_t> RunFolder::saved_steps() const {
  std::vector<std::int64_t> steps;
  if (!fs::exists(snapshots())) return steps;
  for (const fs::directory_entry& entry : fs::directory_iterator(snapshots())) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = 0;
    if (!name.starts_with(kPrefix) || !fs::exists(entry.path() / kStateFile)) continue;
    const char* end = name.data() + name.size();
    const auto [rest, failure] = std::from_chars(name.data() + kPrefix.size(), end, step);
    if (failure == std::errc() && rest == end) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

bool RunFolder::is_finished() const { return fs::exists(final() / "config.json"); }

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail(ErrorKind::io, "{}: cannot open: {}", folder.string(), std::strerror(errno));
  const int result = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  if (result != 0) fail(ErrorKind::io, "{}: cannot sync: {}", folder.string(), std::strerror(reason));
}

}  // namespace nestor::train
