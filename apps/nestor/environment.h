// The environment variables that the program reads, all of them here.
#pragma once

#include <filesystem>
#include <string>

namespace nestor::app {

/// PATH, or nothing.
std::string search_path();

/// Where files may be kept that can be made again: $XDG_CACHE_HOME/nestor, else ~/.cache/nestor, else
/// nothing.
std::filesystem::path cache_folder();

/// Whether OMP_WAIT_POLICY or GOMP_SPINCOUNT say how the threads of OpenMP wait.
bool waiting_is_decided();
/// Has them sleep, in programs that are started from now on.
void wait_by_sleeping();

}  // namespace nestor::app
