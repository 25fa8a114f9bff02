// What compiling a grammar may cost: steps that are counted, so that a schema gets the same answer at all
// times and on all machines, and a token that ends it when nobody waits for it any more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>

#include "base/error.h"

namespace nestor::grammar {

/// How much may be done for one schema, or for one list of tools. A step takes about 10 ns.
struct Effort {
  /// Thousands of definitions, or patterns of thousands of states.
  static constexpr std::uint64_t kMost = 100'000'000;
  /// Nearly every schema that people write.
  static constexpr std::uint64_t kLittle = 5'000'000;

  std::uint64_t steps = kMost;
  std::stop_token stop = {};
};

/// Error(limit): the steps are used up.
class EffortSpent : public Error {
 public:
  explicit EffortSpent(const std::string& message) : Error(ErrorKind::limit, message) {}
};

/// Counts the steps of one compilation. One thread at a time.
class Work {
 public:
  enum class Kind { joining, patterns, texts, numbers, parts };

  explicit Work(Effort effort) : effort_(std::move(effort)) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  /// Throws EffortSpent naming the place and what took most, Error(cancelled) once it is to stop.
  void spend(Kind kind, std::uint64_t steps) {
    used_[static_cast<std::size_t>(kind)] += steps;
    total_ += steps;
    if (total_ >= next_look_) look();
  }
  std::uint64_t spent() const { return total_; }

  /// Names the place in the schema while it lives.
  class At {
   public:
    At(Work& work, const std::string& place) : work_(work), outer_(work.place_) { work.place_ = &place; }
    At(const At&) = delete;
    At& operator=(const At&) = delete;
    ~At() { work_.place_ = outer_; }

   private:
    Work& work_;
    const std::string* outer_;
  };

 private:
  void look();

  Effort effort_;
  std::array<std::uint64_t, 5> used_{};
  std::uint64_t total_ = 0;
  std::uint64_t next_look_ = 0;
  const std::string* place_ = nullptr;
};

}  // namespace nestor::grammar
