// A note about files that a command passed over in the folders it was given.
#pragma once

#include <span>
#include <string>

namespace nestor::app {

/// Names the first few files of folders among the sources that were not read; nothing if all were.
void note_unread(std::span<const std::string> sources);

}  // namespace nestor::app
