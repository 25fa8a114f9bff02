// The one place that opens parallel regions. One thread owns a Team and calls run(); tiles are claimed, not
// preassigned, and no result may depend on which worker takes which tile.
#pragma once

#include <cstdint>
#include <functional>

namespace nestor::kernels {

/// Flush-to-zero and denormals-are-zero for the lifetime of the object, for this thread only.
class SubnormalsAreZero {
 public:
  SubnormalsAreZero();
  ~SubnormalsAreZero();
  SubnormalsAreZero(const SubnormalsAreZero&) = delete;
  SubnormalsAreZero& operator=(const SubnormalsAreZero&) = delete;

 private:
  unsigned saved_;
};

class Team {
 public:
  /// `threads` >= 1 workers, the calling thread among them.
  explicit Team(int threads) : threads_(threads) {}

  int threads() const { return threads_; }

  /// body(tile, worker) for every tile in [0, tiles), worker in [0, threads). Subnormal numbers count as zero
  /// inside (they slow arithmetic 5-27 times). The first exception of a body is rethrown here after all
  /// workers stopped.
  void run(std::int64_t tiles, const std::function<void(std::int64_t tile, int worker)>& body) const;

 private:
  int threads_;
};

}  // namespace nestor::kernels
