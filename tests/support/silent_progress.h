// A progress sink that draws nothing and remembers what it was told last.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/progress.h"

namespace nestor::testing {

class SilentProgress : public ProgressSink {
 public:
  void advance(std::string_view, std::uint64_t done, std::uint64_t total) override {
    last_done = done;
    last_total = total;
  }
  std::uint64_t last_done = 0, last_total = 0;
};

}  // namespace nestor::testing
