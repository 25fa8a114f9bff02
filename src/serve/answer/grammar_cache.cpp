#include "serve/answer/grammar_cache.h"

#include <algorithm>

namespace nestor::serve {

std::shared_ptr<const grammar::Grammar> GrammarCache::get(const std::string& form, const Compile& compile) {
  if (form.size() > kLongestForm) return compile();
  {
    const std::lock_guard lock(mutex_);
    const auto known =
        std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.form == form; });
    if (known != kept_.end()) {
      kept_.splice(kept_.begin(), kept_, known);
      return known->grammar;
    }
  }
  auto grammar = compile();  // without the lock: a large schema holds nobody up
  const std::lock_guard lock(mutex_);
  kept_.push_front({form, grammar});
  if (kept_.size() > kMost) kept_.pop_back();
  return grammar;
}

}  // namespace nestor::serve
