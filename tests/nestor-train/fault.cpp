// A library to preload: the call of number FAULT_AT that changes something below the folder FAULT_UNDER does
// not come about. Instead it fails with the error number FAULT_ERROR; without one the process is killed.
// FAULT_AT beyond all calls: nothing happens, and at the end their number is printed.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<long> calls{0};

// What a descriptor leads to; with `path` what that means from there.
bool is_below(int descriptor, const char* path) {
  const char* under = getenv("FAULT_UNDER");
  if (under == nullptr) return false;
  char name[8192] = "";
  if (path == nullptr || path[0] != '/') {
    if (descriptor == AT_FDCWD) return false;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    if (readlink(link, name, sizeof name - 1) < 0) return false;
  } else {
    snprintf(name, sizeof name, "%s", path);
  }
  return strncmp(name, under, strlen(under)) == 0;
}

// Whether this call is the one.
bool fails(int descriptor, const char* path) {
  const char* at = getenv("FAULT_AT");
  if (at == nullptr || !is_below(descriptor, path) || ++calls != atol(at)) return false;
  const char* error = getenv("FAULT_ERROR");
  if (error == nullptr) kill(getpid(), SIGKILL);
  errno = atoi(error);
  return true;
}

[[gnu::destructor]] void tell() {
  if (getenv("FAULT_AT") != nullptr) fprintf(stderr, "changing calls: %ld\n", calls.load());
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

constexpr int kChanging = O_CREAT | O_TRUNC;

}  // namespace

#define NEXT(name) next<decltype(&name)>(#name)

extern "C" {

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
  va_end(list);
  if ((flags & kChanging) != 0 && fails(AT_FDCWD, path)) return -1;
  return NEXT(open)(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
  va_end(list);
  if ((flags & kChanging) != 0 && fails(AT_FDCWD, path)) return -1;
  return NEXT(open64)(path, flags, mode);
}
ssize_t write(int file, const void* bytes, size_t count) {
  return fails(file, nullptr) ? -1 : NEXT(write)(file, bytes, count);
}
ssize_t writev(int file, const iovec* parts, int count) {
  return fails(file, nullptr) ? -1 : NEXT(writev)(file, parts, count);
}
int fsync(int file) { return fails(file, nullptr) ? -1 : NEXT(fsync)(file); }
int rename(const char* from, const char* to) { return fails(AT_FDCWD, to) ? -1 : NEXT(rename)(from, to); }
int mkdir(const char* path, mode_t mode) { return fails(AT_FDCWD, path) ? -1 : NEXT(mkdir)(path, mode); }
int unlink(const char* path) { return fails(AT_FDCWD, path) ? -1 : NEXT(unlink)(path); }
int rmdir(const char* path) { return fails(AT_FDCWD, path) ? -1 : NEXT(rmdir)(path); }
int remove(const char* path) { return fails(AT_FDCWD, path) ? -1 : NEXT(remove)(path); }
int unlinkat(int folder, const char* path, int flags) {
  return fails(folder, path) ? -1 : NEXT(unlinkat)(folder, path, flags);
}

}  // extern "C"
