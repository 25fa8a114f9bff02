// Loaded into a program (LD_PRELOAD): one of its calls that write to files of one folder fails.
//   FAIL_FOLDER  whose files count
//   FAIL_CALL    create, write, sync, close, rename or folder
//   FAIL_AT      the number of the call of that kind that fails, from 0
//   FAIL_REPORT  a file that gets the number of such calls when the program ends
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace {

std::atomic<long> seen{0};
bool written[1024] = {};  // descriptors whose file has got bytes

const char* setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_ours(const char* path) {
  const char* folder = setting("FAIL_FOLDER");
  return path != nullptr && *folder != '\0' && std::strncmp(path, folder, std::strlen(folder)) == 0;
}

bool is_ours(int descriptor) {
  char link[64];
  char path[PATH_MAX + 1];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t n = ::readlink(link, path, PATH_MAX);
  if (n <= 0) return false;
  path[n] = '\0';
  return is_ours(path);
}

// Whether the call that is made writes to a file that counts.
bool writes(int descriptor) {
  if (!is_ours(descriptor)) return false;
  if (descriptor < 1024) written[descriptor] = true;
  return true;
}

// Counts a call of this kind; true if it is the one that fails, with errno set.
bool fails(const char* call, int code) {
  if (std::strcmp(setting("FAIL_CALL"), call) != 0) return false;
  if (seen.fetch_add(1) != std::atol(setting("FAIL_AT"))) return false;
  errno = code;
  return true;
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int opened(const char* name, const char* path, int flags, mode_t mode) {
  if ((flags & O_CREAT) != 0 && is_ours(path) && fails("create", ENOSPC)) return -1;
  return next<int (*)(const char*, int, ...)>(name)(path, flags, mode);
}

mode_t mode_in(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

__attribute__((destructor)) void report() {
  const int file =
      next<int (*)(const char*, int, ...)>("open")(setting("FAIL_REPORT"), O_WRONLY | O_CREAT, 0600);
  char text[32];
  const int n = std::snprintf(text, sizeof text, "%ld", seen.load());
  if (file >= 0)
    (void)!next<ssize_t (*)(int, const void*, size_t)>("write")(file, text, static_cast<size_t>(n));
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return opened("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return opened("open64", path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  if (writes(descriptor) && fails("write", ENOSPC)) return -1;
  return next<decltype(&write)>("write")(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const iovec* pieces, int count) {
  if (writes(descriptor) && fails("write", ENOSPC)) return -1;
  return next<decltype(&writev)>("writev")(descriptor, pieces, count);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
  if (writes(descriptor) && fails("write", ENOSPC)) return -1;
  return next<decltype(&pwrite)>("pwrite")(descriptor, bytes, count, at);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  if (writes(descriptor) && fails("write", ENOSPC)) return -1;
  return next<decltype(&pwrite64)>("pwrite64")(descriptor, bytes, count, at);
}

int ftruncate(int descriptor, off_t length) {
  if (writes(descriptor) && fails("write", ENOSPC)) return -1;
  return next<decltype(&ftruncate)>("ftruncate")(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) {
  if (writes(descriptor) && fails("write", ENOSPC)) return -1;
  return next<decltype(&ftruncate64)>("ftruncate64")(descriptor, length);
}

int posix_fallocate(int descriptor, off_t at, off_t length) {
  if (writes(descriptor) && fails("write", ENOSPC)) return ENOSPC;
  return next<decltype(&posix_fallocate)>("posix_fallocate")(descriptor, at, length);
}

int posix_fallocate64(int descriptor, off64_t at, off64_t length) {
  if (writes(descriptor) && fails("write", ENOSPC)) return ENOSPC;
  return next<decltype(&posix_fallocate64)>("posix_fallocate64")(descriptor, at, length);
}

int fsync(int descriptor) {
  if (is_ours(descriptor) && fails("sync", EIO)) return -1;
  return next<decltype(&fsync)>("fsync")(descriptor);
}

int fdatasync(int descriptor) {
  if (is_ours(descriptor) && fails("sync", EIO)) return -1;
  return next<decltype(&fdatasync)>("fdatasync")(descriptor);
}

int close(int descriptor) {
  const bool was_written = descriptor >= 0 && descriptor < 1024 && std::exchange(written[descriptor], false);
  const bool failing = was_written && fails("close", EIO);
  const int result = next<decltype(&close)>("close")(descriptor);
  if (!failing) return result;
  errno = EIO;
  return -1;
}

int rename(const char* from, const char* to) noexcept {
  if (is_ours(to) && fails("rename", EIO)) return -1;
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (is_ours(path) && fails("folder", ENOSPC)) return -1;
  return next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

}  // extern "C"
