// The model that comes with Nestor: what commands use when MODEL is left out.
#pragma once

#include <filesystem>

namespace nestor::app {

/// Beside an installed program in share/nestor, else in the source tree that it was built from.
/// Error(not_found).
std::filesystem::path bundled_model();

}  // namespace nestor::app
