#include "bundled_model.h"

#include "base/error.h"

namespace nestor::app {

std::filesystem::path bundled_model() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed = program.parent_path().parent_path() / "share" / "nestor" / "story";
  const std::filesystem::path in_source = std::filesystem::path(NESTOR_ASSETS_IN_SOURCE) / "story";
  for (const auto& candidate : {installed, in_source}) {
    if (std::filesystem::exists(candidate / "config.json", error)) return candidate;
  }
  fail(ErrorKind::not_found, "the bundled model is neither in {} nor in {}; name a checkpoint folder instead",
       installed.string(), in_source.string());
}

}  // namespace nestor::app
