// Compiled grammars, kept for the requests that ask for the same form again.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "grammar/grammar.h"

namespace nestor::serve {

/// Those that were asked for last; and it counts the memory of all that somebody holds. Any thread may ask.
class GrammarCache {
 public:
  using Compile = std::function<std::shared_ptr<const grammar::Grammar>()>;

  /// Six of the largest there can be.
  static constexpr std::size_t kMostBytes = std::size_t{256} << 20;

  explicit GrammarCache(std::size_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}

  /// The grammar of `form`, a text that describes it in full; compiled where it is not known. What `compile`
  /// throws passes through and is not kept. Throws Error(busy) if the requests under way hold so much that
  /// there is no room for it.
  std::shared_ptr<const grammar::Grammar> get(const std::string& form, const Compile& compile);

  /// Memory of all grammars that are kept or held.
  std::size_t bytes() const { return *bytes_; }

 private:
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kLongestForm = std::size_t{1} << 20;

  struct Kept {
    std::string form;
    std::shared_ptr<const grammar::Grammar> grammar;
  };

  std::shared_ptr<const grammar::Grammar> counted(std::shared_ptr<const grammar::Grammar> grammar);

  const std::size_t most_bytes_;
  const std::shared_ptr<std::atomic<std::size_t>> bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::mutex mutex_;
  std::list<Kept> kept_;  // the one asked for last stands first
};

}  // namespace nestor::serve
