// What one rendering shares: its limits and how much of them is used, the clock, the line being rendered.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "chat/values/object.h"
#include "chat/values/strftime.h"

namespace nestor::chat {

/// Bounds of one rendering. Beyond any of them rendering fails with Error(limit).
struct Limits {
  std::uint64_t output_bytes = std::uint64_t{64} << 20;  // of any one text, the result included
  std::uint64_t work_bytes = std::uint64_t{2} << 30;     // of all texts and lists built on the way
  std::uint64_t steps = 5'000'000;                       // evaluated expressions, iterations, compared parts
};

class Runtime {
 public:
  Runtime(const Limits& limits, const LocalTime& now) : limits_(limits), now_(now) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  void step(std::uint64_t count = 1);
  /// Before a text or list of `bytes` is built.
  void build(std::uint64_t bytes);
  /// A text that was just built.
  Value text(Text text);
  Value list(std::vector<Value> items);
  /// Appends to a text that is being built.
  void append(Text& out, const Text& more);
  const LocalTime& now() const { return now_; }

  /// Keeps the object until the end of the rendering and lets go of its references then.
  template <typename T>
  std::shared_ptr<T> keep(std::shared_ptr<T> object) {
    kept_.push_back(object);
    return object;
  }

  /// The line of the template that is being rendered, for messages.
  int line = 0;

  /// Counts the nesting of calls that recurse on the machine's stack.
  class Depth {
   public:
    explicit Depth(Runtime& runtime);
    ~Depth() { --runtime_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Runtime& runtime_;
  };

 private:
  const Limits limits_;
  const LocalTime now_;
  std::uint64_t steps_ = 0;
  std::uint64_t built_ = 0;
  int depth_ = 0;
  std::vector<std::shared_ptr<Kept>> kept_;
};

}  // namespace nestor::chat
