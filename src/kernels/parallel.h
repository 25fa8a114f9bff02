// The one place where kernels use more than one thread.
//
// A small team instead of OpenMP, because of what happens when another process holds a core: libgomp's
// barrier waits for every thread, even for one that never got to run. Here tiles are claimed, and whoever
// starts late finds nothing left to do and is not waited for. Measured in bench/team.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace nestor::kernels {

/// Flush-to-zero and denormals-are-zero for the lifetime of the object, for this thread only: subnormal
/// numbers slow arithmetic 5-27 times.
class SubnormalsAreZero {
 public:
  SubnormalsAreZero();
  ~SubnormalsAreZero();
  SubnormalsAreZero(const SubnormalsAreZero&) = delete;
  SubnormalsAreZero& operator=(const SubnormalsAreZero&) = delete;

 private:
  unsigned saved_;
};

/// Refers to something that is called as body(tile, worker) and outlives the reference; never allocates.
class TileBody {
 public:
  template <typename Body>
  requires(!std::is_same_v<std::remove_cvref_t<Body>, TileBody>) TileBody(
      const Body& body)  // NOLINT(google-explicit-constructor): a lambda is passed where this is taken
      : body_(std::addressof(body)), call_([](const void* of, std::int64_t tile, int worker) {
          (*static_cast<const Body*>(of))(tile, worker);
        }) {}

  void operator()(std::int64_t tile, int worker) const { call_(body_, tile, worker); }

 private:
  const void* body_;
  void (*call_)(const void*, std::int64_t, int);
};

/// One thread owns a Team and calls run(). No result may depend on which worker takes which tile.
class Team {
 public:
  /// `threads` >= 1 workers, the calling thread among them as worker 0. Waiting workers spin briefly, then
  /// sleep. Error(limit) if the system refuses so many.
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int threads() const { return static_cast<int>(helpers_.size()) + 1; }

  /// body(tile, worker) for every tile in [0, tiles), worker in [0, threads). Subnormal numbers count as zero
  /// inside. The first exception of a body is rethrown here after all workers stopped; tiles not yet begun
  /// are left out.
  void run(std::int64_t tiles, TileBody body);

 private:
  void end();
  void help(int worker);
  void take_tiles(int worker);

  // The state of the current job in one word, so that joining and closing cannot miss each other:
  // bits 0-9 helpers at work, bit 10 open for joining, bit 11 the team ends, the rest counts jobs.
  static constexpr std::uint32_t kHelpers = 0x3FF;
  static constexpr std::uint32_t kOpen = 0x400;
  static constexpr std::uint32_t kEnd = 0x800;
  static constexpr std::uint32_t kJob = 0x1000;

  std::atomic<std::uint32_t> state_{0};
  const TileBody* body_ = nullptr;
  std::int64_t tiles_ = 0;
  std::atomic<std::int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  std::vector<std::thread> helpers_;
};

}  // namespace nestor::kernels
