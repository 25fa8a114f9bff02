// Working memory of a forward pass: grows to what the largest pass needed and is then reused without
// allocating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/aligned_memory.h"

namespace nestor::kernels {

/// Memory taken inside a Scope goes back at its end. Not thread-safe: the engine thread takes, workers only
/// use.
class Arena {
 public:
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), block_(arena.block_), used_(arena.used_) {}
    ~Scope() {
      arena_.block_ = block_;
      arena_.used_ = used_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    std::size_t block_;
    std::size_t used_;
  };

  /// `count` floats, aligned to 64 bytes, not initialised.
  float* take(std::int64_t count);

  /// `count` values of a plain type, as their default.
  template <typename T>
  std::span<T> take_span(std::int64_t count) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 64);
    constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
    auto* data =
        reinterpret_cast<T*>(take((count * static_cast<std::int64_t>(sizeof(T)) + kFloat - 1) / kFloat));
    std::uninitialized_value_construct_n(data, count);
    return {data, static_cast<std::size_t>(count)};
  }

  /// An arena for what one worker takes by itself. It is made the first time that somebody asks, which has to
  /// be the thread that owns this one, and kept.
  Arena& of_worker(int worker);

  /// Bytes held, those of workers too.
  std::size_t bytes() const;

 private:
  struct Block {
    std::unique_ptr<float, AlignedFree> data;
    std::size_t size;  // floats
  };

  std::vector<std::unique_ptr<Arena>> workers_;
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // the block in use
  std::size_t used_ = 0;   // floats taken from it
};

}  // namespace nestor::kernels
