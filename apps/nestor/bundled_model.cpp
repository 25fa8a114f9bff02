#include "bundled_model.h"

#include "assets.h"
#include "base/error.h"

namespace nestor::app {

std::filesystem::path bundled_model() {
  std::error_code error;
  std::filesystem::path folder = assets_folder() / "story";
  if (std::filesystem::exists(folder / "config.json", error)) return folder;
  fail(ErrorKind::not_found, "the bundled model is not in {}; name a checkpoint folder instead",
       folder.string());
}

}  // namespace nestor::app
