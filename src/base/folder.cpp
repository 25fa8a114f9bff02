#include "base/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.h"

namespace nestor {
namespace {

struct Close {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  const auto fail_if = [&](int code) {
    if (code != 0 && code != ENOENT && code != ENOTDIR) {
      fail(ErrorKind::io, "{}: cannot list the folder: {}", folder.string(), std::strerror(code));
    }
  };
  std::vector<std::string> names;
  const std::unique_ptr<DIR, Close> opened(::opendir(folder.c_str()));
  if (opened == nullptr) {
    fail_if(errno);
    return names;
  }
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(opened.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  fail_if(errno);
  std::ranges::sort(names);
  return names;
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const int code = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (code == 0 || code == EINVAL) return;  // EINVAL: the file system knows no such thing
  fail(ErrorKind::io, "cannot sync the folder {}: {}", folder.string(), std::strerror(code));
}

}  // namespace nestor
