// The files that come with Nestor.
#pragma once

#include <filesystem>

namespace nestor::app {

/// Beside an installed program share/nestor, else assets/ of the source tree that the program was built from.
std::filesystem::path assets_folder();

}  // namespace nestor::app
