#include "base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/folder.h"

namespace nestor {
namespace {

namespace fs = std::filesystem;

// Whether the name still stands for the opened file: who held the lock before may have removed it meanwhile.
bool is_current(int descriptor, const fs::path& file) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(file.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) : folder_(folder), file_(folder / kFile) {
  std::error_code error;
  if (fs::exists(folder_, error) && !fs::is_directory(folder_, error)) {
    fail(ErrorKind::usage, "{}: already there and not a folder; choose another name", folder_.string());
  }
  made_ = fs::create_directories(folder_, error);
  if (error) fail(ErrorKind::io, "{}: cannot make the folder: {}", folder_.string(), error.message());
  while (true) {
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      fail(ErrorKind::io, "{}: cannot write here: {}", folder_.string(), std::strerror(errno));
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      ::close(descriptor_);
      if (reason != EWOULDBLOCK)
        fail(ErrorKind::io, "{}: cannot lock: {}", folder_.string(), std::strerror(reason));
      fail(ErrorKind::usage,
           "{}: another process is at work in this folder; wait for it, stop it, or choose another folder",
           folder_.string());
    }
    if (is_current(descriptor_, file_)) return;
    ::close(descriptor_);
  }
}

FolderLock::~FolderLock() {
  ::unlink(file_.c_str());
  ::close(descriptor_);
  if (made_) ::rmdir(folder_.c_str());
}

bool FolderLock::holds_nothing_else() const {
  return std::ranges::all_of(names_in(folder_), [](const std::string& name) { return name == kFile; });
}

}  // namespace nestor
