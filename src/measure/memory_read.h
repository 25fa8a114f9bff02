// How fast this machine reads memory: the ruler for everything that is bound by the bytes of its weights.
//
// Processors differ in the walk through memory that they read fastest: here one sequential stream, there four
// with prefetches. The ruler tries several and takes the best, so that no kernel can be faster than its own
// ceiling.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/parallel.h"

namespace nestor::measure {

/// Memory that is touched and, where the system allows it, in pages of 2 MiB.
class Memory {
 public:
  explicit Memory(std::size_t bytes);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::uint8_t* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  std::span<const std::uint8_t> all() const { return {data_, bytes_}; }

 private:
  std::uint8_t* data_;
  std::size_t bytes_;
};

/// A way through memory: so many places are read at once (1, 2, 4 or 8), so many bytes ahead are fetched (0:
/// none, which leaves it to the processor).
struct Walk {
  int streams;
  int bytes_ahead;
};

/// Bytes per second of one pass over `bytes` by all threads of the team, which are woken before. What the
/// last pass read should not be in a cache.
double read_rate(kernels::Team& team, std::span<const std::uint8_t> bytes, const Walk& walk);

/// The walk with the highest rate, of memory that no cache holds; tried in turns.
Walk fastest_walk(kernels::Team& team, const Memory& memory);

/// The best rate over the whole memory: passes of the fastest walk, until the three best agree within 3 % or
/// `most` passes are done.
double dram_read(kernels::Team& team, const Memory& memory, int most = 20);

/// Bytes per second when every thread of the team reads `bytes` of its own share of the memory `rounds` times
/// over: of the cache that holds them. The best of five.
double cache_read(kernels::Team& team, const Memory& memory, std::size_t bytes, int rounds);

/// Rates that were measured between other work, as one figure.
class Rates {
 public:
  void add(double bytes_s) { all_.push_back(bytes_s); }
  /// The middle one; 0 of none.
  double median() const;
  /// Whether three quarters of them agree within a third: else the machine had two speeds, and no share of
  /// their middle means anything.
  bool steady() const;

 private:
  std::vector<double> sorted() const;
  std::vector<double> all_;
};

}  // namespace nestor::measure
