#include "corpus/windows.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::corpus {

std::vector<EvalWindow> eval_windows(std::int64_t tokens, std::int64_t window, std::int64_t stride) {
  if (stride < 1 || stride > window || tokens < 0) {
    fail(ErrorKind::usage, "windows of {} tokens every {} tokens: the stride must be from 1 to the window",
         window, stride);
  }
  std::vector<EvalWindow> windows;
  std::int64_t scored = 0;  // ids[1 .. scored] have been scored
  // The last id is a target only: nothing follows it.
  for (std::int64_t first = 0; scored < tokens - 1; first += stride) {
    const std::int64_t length = std::min(window, tokens - 1 - first);
    windows.push_back({first, length, scored - first});
    scored = first + length;
  }
  return windows;
}

}  // namespace nestor::corpus
