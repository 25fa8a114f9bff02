#include "unread_files.h"

#include <fmt/format.h>

#include "base/excerpt.h"
#include "corpus/sources.h"
#include "terminal.h"

namespace nestor::app {

void note_unread(std::span<const std::string> sources) {
  const auto unread = corpus::unread_files(sources);
  if (!unread.empty()) note(fmt::format("not read, because of their names: {}", excerpt(unread)));
}

}  // namespace nestor::app
