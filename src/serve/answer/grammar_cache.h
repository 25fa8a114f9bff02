// Compiled grammars, kept for the requests that ask for the same form again.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "grammar/grammar.h"

namespace nestor::serve {

/// Those that were asked for last. Any thread may ask.
class GrammarCache {
 public:
  using Compile = std::function<std::shared_ptr<const grammar::Grammar>()>;

  /// The grammar of `form`, a text that describes it in full; compiled where it is not known. What `compile`
  /// throws passes through and is not kept.
  std::shared_ptr<const grammar::Grammar> get(const std::string& form, const Compile& compile);

 private:
  // A grammar keeps its masks, up to 64 MiB where the vocabulary is large: more of them would take more than
  // a server expects to lose.
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kLongestForm = std::size_t{1} << 20;

  struct Kept {
    std::string form;
    std::shared_ptr<const grammar::Grammar> grammar;
  };

  std::mutex mutex_;
  std::list<Kept> kept_;  // the one asked for last stands first
};

}  // namespace nestor::serve
