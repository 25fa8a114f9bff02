// A progress sink for tests that do not look at it.
#pragma once

#include "base/progress.h"

namespace nestor::tokenizer {

struct NoProgress : ProgressSink {
  void advance(std::string_view, std::uint64_t, std::uint64_t) override {}
};

}  // namespace nestor::tokenizer
