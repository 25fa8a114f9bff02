// What the masks of one request may cost, counted: work, of which every token brings some more, and memory.
// Requests share a model, and it is the thread of the model that makes masks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>

namespace nestor::grammar {

class Vocabulary;

/// Shared by the constraints of one request, which all run on one thread at a time.
class Allowance {
 public:
  /// One unit of work is a node of the vocabulary that is walked, some 8 ns; one of Stacks' entries takes
  /// about as long as this many.
  static constexpr std::uint64_t kEntry = 8;
  /// Memory of all constraints together, apart from the masks that requests share.
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  /// Of a request that is answered so many times.
  explicit Allowance(const Vocabulary& vocabulary, std::int64_t answers = 1);
  /// For a text that is read byte by byte.
  Allowance();

  /// Throws Error(limit) if there is nothing left.
  void spend(std::uint64_t work) {
    if (work > left_) refuse_work();
    left_ -= work;
    spent_ += work;
  }
  std::uint64_t spent() const { return spent_; }
  /// Before each token.
  void refill();
  /// For the first of the request's constraints that uses a mask, whoever has computed it.
  void spend_once(std::uint64_t mask, std::uint64_t work) {
    if (used_masks_.insert(mask).second) spend(work);
  }

  /// Throws Error(limit) if there would be more than kMostBytes.
  void take_bytes(std::size_t bytes);
  void give_back_bytes(std::size_t bytes) { bytes_ -= bytes; }
  std::size_t bytes() const { return bytes_; }
  std::size_t most_bytes() const { return most_bytes_; }
  /// A constraint that holds more should see what it can do without.
  std::size_t share() const { return share_; }

 private:
  [[noreturn]] void refuse_work() const;

  std::uint64_t most_, per_token_;
  std::uint64_t left_ = most_, spent_ = 0;
  std::size_t share_;
  std::size_t bytes_ = 0, most_bytes_ = 0;
  std::unordered_set<std::uint64_t> used_masks_;
};

}  // namespace nestor::grammar
