// A form that is held to behind reasoning.
#include "grammar/after_reasoning.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "random_schema.h"
#include "support/refusal.h"

namespace nestor::grammar::testing {
namespace {

constexpr TokenId kClose = 50;

std::shared_ptr<const Vocabulary> vocabulary() {
  std::vector<Vocabulary::Entry> control = control_tokens();
  control.push_back({kClose, "</longcat_think>"});
  const std::vector<TokenId> stop = {kStop};
  return std::make_shared<const Vocabulary>(small_tokens(), control, stop);
}

TokenId letter(char c) { return static_cast<TokenId>(100 + static_cast<unsigned char>(c)); }

class Reasoning : public ::testing::Test {
 protected:
  bool allows(TokenId id) {
    std::vector<std::uint64_t> mask((static_cast<std::size_t>(known_->id_limit()) + 63) / 64, 0);
    constraint_.allowed(mask);
    return mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1;
  }

  std::shared_ptr<const Vocabulary> known_ = vocabulary();
  AfterReasoning constraint_{
      std::make_shared<GrammarConstraint>(Grammar::from_json_schema(Json{{"const", 12}}), known_), known_,
      "</longcat_think>"};
};

TEST_F(Reasoning, IsAnyTextWithoutEndOrOtherMarkers) {
  EXPECT_TRUE(allows(letter('x')) && allows(kClose));
  EXPECT_FALSE(allows(kStop) || allows(kFirstControl));
  EXPECT_REFUSED(constraint_.accept(kStop), ErrorKind::usage, "cannot come in reasoning");
}

TEST_F(Reasoning, IsFollowedByTheForm) {
  constraint_.accept(letter('x'));
  constraint_.accept(kClose);
  EXPECT_FALSE(allows(letter('x')) || allows(kStop) || allows(kClose));
  constraint_.accept(letter('1'));
  constraint_.accept(letter('2'));
  EXPECT_TRUE(allows(kStop));
  EXPECT_FALSE(allows(letter('3')));
}

TEST_F(Reasoning, CanBeGoneBackTo) {
  for (const TokenId id : {letter('x'), kClose, letter('1')}) constraint_.accept(id);
  constraint_.rewind(1);
  EXPECT_TRUE(allows(letter('1')) && !allows(letter('2')));
  constraint_.accept(letter('1'));
  constraint_.rewind(2);
  EXPECT_TRUE(allows(letter('x')) && allows(kClose));
  EXPECT_REFUSED(constraint_.rewind(2), ErrorKind::usage, "1 were accepted");
  constraint_.accept(kClose);
  EXPECT_TRUE(allows(letter('1')) && !allows(letter('x')));
}

TEST_F(Reasoning, NeedsATokenThatEndsIt) {
  EXPECT_REFUSED(AfterReasoning(nullptr, small_vocabulary(), "</longcat_think>"), ErrorKind::unsupported,
                 "needs the token");
}

}  // namespace
}  // namespace nestor::grammar::testing
