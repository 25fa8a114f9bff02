#include "serve/answer/grammar_cache.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace nestor::serve {

std::shared_ptr<const grammar::Grammar> GrammarCache::get(const std::string& form, const Compile& compile) {
  {
    const std::lock_guard lock(mutex_);
    const auto known =
        std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.form == form; });
    if (known != kept_.end()) {
      kept_.splice(kept_.begin(), kept_, known);
      return known->grammar;
    }
  }
  auto compiled = compile();  // without the lock: a large schema holds nobody up
  const std::lock_guard lock(mutex_);
  auto grammar = counted(std::move(compiled));
  if (form.size() > kLongestForm) return grammar;
  kept_.push_front({form, grammar});
  if (kept_.size() > kMost) kept_.pop_back();
  return grammar;
}

/// The same, taken from the count when its last owner lets it go.
std::shared_ptr<const grammar::Grammar> GrammarCache::counted(
    std::shared_ptr<const grammar::Grammar> grammar) {
  const std::size_t bytes = grammar->bytes();
  while (*bytes_ + bytes > most_bytes_ && !kept_.empty()) kept_.pop_back();
  if (*bytes_ + bytes > most_bytes_) {
    fail(ErrorKind::busy,
         "the schemas of the requests under way take the {} MiB that there are for schemas; ask again later",
         most_bytes_ >> 20);
  }
  *bytes_ += bytes;
  const grammar::Grammar* const address = grammar.get();
  return {address, [count = bytes_, bytes, grammar = std::move(grammar)](const grammar::Grammar*) mutable {
            grammar.reset();
            *count -= bytes;
          }};
}

}  // namespace nestor::serve
