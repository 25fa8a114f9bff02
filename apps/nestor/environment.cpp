#include "environment.h"

#include <cstdlib>

namespace nestor::app {
namespace {

std::string value_of(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string search_path() { return value_of("PATH"); }

std::filesystem::path cache_folder() {
  if (const std::filesystem::path cache = value_of("XDG_CACHE_HOME"); cache.is_absolute())
    return cache / "nestor";
  const std::filesystem::path home = value_of("HOME");
  return home.is_absolute() ? home / ".cache" / "nestor" : std::filesystem::path();
}

bool waiting_is_decided() {
  return !value_of("OMP_WAIT_POLICY").empty() || !value_of("GOMP_SPINCOUNT").empty();
}

void wait_by_sleeping() { ::setenv("OMP_WAIT_POLICY", "passive", 1); }

}  // namespace nestor::app
