// Names and seeds that do not repeat.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace nestor::serve {

/// Any thread may ask.
class IdSource {
 public:
  IdSource();
  /// "cmpl-" and 24 hexadecimal digits.
  std::string next(std::string_view prefix);
  /// For a request that brings none.
  std::uint64_t seed();

 private:
  std::uint64_t key_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace nestor::serve
