#include "grammar/grammar.h"

#include <mutex>
#include <utility>

#include "grammar/allowance.h"
#include "grammar/leaf_masks.h"
#include "grammar/member_names.h"
#include "grammar/stacks.h"
#include "grammar/terms.h"
#include "grammar/vocabulary.h"

namespace nestor::grammar {

struct Grammar::Masks {
  std::mutex mutex;
  std::weak_ptr<const Vocabulary> vocabulary;
  std::shared_ptr<LeafMasks> masks;
};

Grammar::Grammar(Terms terms)
    : terms_(std::make_unique<const Terms>(std::move(terms))),
      bytes_(terms_->bytes()),
      masks_(std::make_unique<Masks>()) {}

Grammar::~Grammar() = default;

std::shared_ptr<LeafMasks> Grammar::masks_for(const std::shared_ptr<const Vocabulary>& vocabulary) const {
  const std::lock_guard lock(masks_->mutex);
  if (masks_->masks == nullptr || masks_->vocabulary.lock() != vocabulary) {
    masks_->vocabulary = vocabulary;
    masks_->masks = std::make_shared<LeafMasks>(*terms_, *vocabulary);
  }
  return masks_->masks;
}

bool Grammar::matches(std::string_view text) const {
  Allowance allowance;
  Stacks stacks(*terms_, {}, allowance);
  StateId state = stacks.start();
  for (const char c : text) {
    allowance.refill();
    if (state == Stacks::kNone) return false;
    state = stacks.step(state, static_cast<unsigned char>(c));
  }
  if (state == Stacks::kNone || !stacks.may_end(state)) return false;
  return !terms_->names_members_freely || !MemberNames().would_repeat(text);
}

}  // namespace nestor::grammar
