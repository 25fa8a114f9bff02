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

enum class Waiting { decided, changed };

/// Has the threads of OpenMP wait by sleeping in programs that are started from now on, unless the
/// environment says how they wait. Threads that spin keep the processor from the one they wait for, where
/// others compute, too: two were ten times slower than one.
Waiting wait_by_sleeping();

}  // namespace nestor::app
