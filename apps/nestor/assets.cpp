#include "assets.h"

namespace nestor::app {

std::filesystem::path assets_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed = program.parent_path().parent_path() / "share" / "nestor";
  return std::filesystem::is_directory(installed, error) ? installed
                                                         : std::filesystem::path(NESTOR_ASSETS_IN_SOURCE);
}

}  // namespace nestor::app
