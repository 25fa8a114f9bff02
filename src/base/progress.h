// How long work reports itself. The library calls, programs render; nothing here prints.
#pragma once

#include <cstdint>
#include <string_view>

namespace nestor {

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// `done` of `total` units (bytes, tokens, ...) of the step called `what`. Called often; cheap to ignore.
  virtual void advance(std::string_view what, std::uint64_t done, std::uint64_t total) = 0;
};

/// For work that nobody watches.
class NoProgress : public ProgressSink {
 public:
  void advance(std::string_view, std::uint64_t, std::uint64_t) override {}
};

}  // namespace nestor
