// The draft block: guesses are those of an independent implementation, whatever way the rows came, and
// nothing that the target computes depends on them.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "kernels/registry.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/refusal.h"

namespace nestor {
namespace {

using Ids = std::vector<TokenId>;

// As for the target's logits (golden_test.cpp).
constexpr double kTolerance = 2e-4;

std::unique_ptr<model::Model> drafting_model(std::string_view kernels, model::DraftBlock draft,
                                             const std::string& golden = "lite_small") {
  return testing::open_model(testing::golden_folder(golden), kernels, 2, model::CacheFormat::f32, draft);
}

/// A prompt, what the target chooses next, and chained drafts after that.
struct Case {
  std::string name;
  Ids prompt;
  TokenId next;
  Ids tokens;
  testing::Array logits;  // [tokens, V]
};

std::vector<Case> cases_of(const std::string& embedding, const std::string& golden = "lite_small") {
  const auto expected = testing::golden_folder(golden) / "expected";
  std::vector<Case> cases;
  for (const Json& c : read_json(expected / "cases.json", 1 << 26)) {
    const Json& draft = c["mtp"][embedding];
    cases.push_back({c["name"].get<std::string>(), c["ids"].get<Ids>(), draft["next"].get<TokenId>(),
                     draft["tokens"].get<Ids>(),
                     testing::read_npy(expected / draft["logits"].get<std::string>())});
  }
  return cases;
}

TokenId best_of(std::span<const float> logits) {
  return static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin());
}

/// Feeds tokens in chunks that keep all their rows. Returns the last logits.
std::vector<float> feed(lm::LanguageModel& model, lm::SequenceId sequence, std::span<const TokenId> ids,
                        std::size_t chunk) {
  std::vector<float> last;
  for (std::size_t at = 0; at < ids.size(); at += chunk) {
    const auto part = ids.subspan(at, std::min(chunk, ids.size() - at));
    const lm::Chunk next{sequence, part, 1, std::ssize(part)};
    const auto row = model.forward({&next, 1}).row(0);
    last.assign(row.begin(), row.end());
  }
  return last;
}

std::vector<float> suppose(lm::LanguageModel& model, lm::SequenceId sequence, TokenId id) {
  const lm::Supposed supposed{sequence, id};
  const auto row = model.draft({&supposed, 1}).row(0);
  return {row.begin(), row.end()};
}

void expect_drafts(lm::LanguageModel& model, lm::SequenceId sequence, const Case& c) {
  ASSERT_TRUE(model.can_draft(sequence));
  TokenId last = c.next;
  for (std::size_t i = 0; i < c.tokens.size(); ++i) {
    const auto logits = suppose(model, sequence, last);
    const auto expected = std::span(c.logits.floats).subspan(i * logits.size(), logits.size());
    EXPECT_LT(testing::relative_difference(logits, expected), kTolerance) << c.name << ", draft " << i;
    last = best_of(logits);
    EXPECT_EQ(last, c.tokens[i]) << c.name << ", draft " << i;
  }
}

/// Longer prompts are drafted after with fewer rows than the reference sees.
bool within_window(const Case& c) { return c.prompt.size() <= 64; }

class Drafts : public ::testing::TestWithParam<std::string> {};

TEST_P(Drafts, AreThoseOfTheReference) {
  for (const auto& [draft, name] : {std::pair(model::DraftBlock::ngram_embedding, "ngram"),
                                    std::pair(model::DraftBlock::word_embedding, "plain")}) {
    const auto model = drafting_model(GetParam(), draft);
    std::size_t compared = 0;
    for (const Case& c : cases_of(name)) {
      SCOPED_TRACE(name);
      if (!within_window(c)) continue;
      const lm::Sequence sequence(*model);
      EXPECT_FALSE(model->can_draft(sequence.id()));
      EXPECT_EQ(best_of(feed(*model, sequence.id(), c.prompt, 512)), c.next) << c.name;
      expect_drafts(*model, sequence.id(), c);
      ++compared;
    }
    EXPECT_GT(compared, 8U);
  }
}

TEST_P(Drafts, DoNotDependOnHowTheRowsCame) {
  const auto model = drafting_model(GetParam(), model::DraftBlock::ngram_embedding);
  const Ids wrong = {60, 61, 3};
  for (const Case& c : cases_of("ngram")) {
    if (!within_window(c)) continue;
    for (const std::size_t chunk : {1, 2, 5}) {
      SCOPED_TRACE(chunk);
      const lm::Sequence sequence(*model);
      feed(*model, sequence.id(), c.prompt, chunk);
      expect_drafts(*model, sequence.id(), c);
    }
    {  // Drafted after on the way, with tokens that were rejected.
      SCOPED_TRACE("rejected drafts");
      lm::Sequence sequence(*model);
      for (std::size_t at = 0; at < c.prompt.size(); ++at) {
        Ids ids = {c.prompt[at]};
        ids.insert(ids.end(), wrong.begin(), wrong.end());
        if (at > 0) {
          suppose(*model, sequence.id(), c.prompt[at]);
          suppose(*model, sequence.id(), wrong[0]);
        }
        feed(*model, sequence.id(), ids, ids.size());
        sequence.truncate(static_cast<std::int64_t>(at) + 1);
      }
      expect_drafts(*model, sequence.id(), c);
    }
    {  // A fork that goes on alone.
      SCOPED_TRACE("fork");
      lm::Sequence sequence(*model);
      feed(*model, sequence.id(), c.prompt, 512);
      const lm::Sequence fork = sequence.fork(sequence.length());
      feed(*model, sequence.id(), wrong, 512);
      expect_drafts(*model, fork.id(), c);
    }
  }
}

TEST_P(Drafts, OfSeveralSequencesAreThoseOfEachAlone) {
  const auto model = drafting_model(GetParam(), model::DraftBlock::ngram_embedding);
  std::vector<lm::Sequence> sequences;
  std::vector<lm::Supposed> supposed;
  std::vector<std::vector<float>> alone;
  for (const Case& c : cases_of("ngram")) {
    const lm::Sequence one(*model);
    feed(*model, one.id(), c.prompt, 7);
    alone.push_back(suppose(*model, one.id(), c.next));
    const lm::Sequence& another = sequences.emplace_back(*model);
    feed(*model, another.id(), c.prompt, 7);
    supposed.push_back({another.id(), c.next});
  }
  const lm::Logits together = model->draft(supposed);
  for (std::size_t i = 0; i < alone.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(together.row(static_cast<std::int64_t>(i)), alone[i])) << i;
}

TEST_P(Drafts, LeaveTheTargetAsItIs) {
  const auto plain = drafting_model(GetParam(), model::DraftBlock::none);
  const auto model = drafting_model(GetParam(), model::DraftBlock::ngram_embedding);
  for (const Case& c : cases_of("ngram")) {
    if (c.prompt.size() < 2) continue;
    const lm::Sequence a(*plain), b(*model);
    const auto half = c.prompt.size() / 2;
    feed(*plain, a.id(), std::span(c.prompt).first(half), 512);
    feed(*model, b.id(), std::span(c.prompt).first(half), 512);
    // Two tokens as they come, then others: the first two embeddings are those of the drafts.
    for (std::size_t i = half; i < std::min(half + 2, c.prompt.size()); ++i)
      suppose(*model, b.id(), c.prompt[i]);
    const auto rest = std::span(c.prompt).subspan(half);
    const lm::Chunk of_plain{a.id(), rest, std::ssize(rest)},
        drafted{b.id(), rest, std::ssize(rest), std::ssize(rest)};
    const auto expected = plain->forward({&of_plain, 1}), found = model->forward({&drafted, 1});
    for (std::int64_t t = 0; t < expected.rows(); ++t)
      EXPECT_TRUE(std::ranges::equal(expected.row(t), found.row(t))) << c.name << ' ' << t;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Drafts, ::testing::ValuesIn([] {
                           std::vector<std::string> sets;
                           for (const auto set : kernels::runnable_sets(cpu_info())) sets.emplace_back(set);
                           return sets;
                         }()),
                         [](const auto& test) { return test.param; });

std::uint64_t rows_read(const lm::LanguageModel& model) {
  const lm::RowReads reads = model.counters().ngram_rows;
  return reads.memory + reads.disk + reads.unknown;
}

// Ids, rows and projected sums of drafted tokens are computed once.
TEST(Draft, VerificationTakesTheEmbeddingsOfDrafts) {
  const auto model = drafting_model("reference", model::DraftBlock::ngram_embedding);
  const Ids prompt = {5, 9, 20, 33, 4, 8, 15};
  const lm::Sequence sequence(*model);
  feed(*model, sequence.id(), prompt, 512);
  const std::uint64_t per_token = rows_read(*model) / prompt.size();
  const std::uint64_t before = rows_read(*model);
  const Ids next = {16, 23, 42, 7};
  for (const TokenId id : std::span(next).first(3)) suppose(*model, sequence.id(), id);
  // The prompt begins with the first token of a text, after which n-grams are others for the block: its rows
  // are looked up again.
  const std::uint64_t of_drafts = rows_read(*model) - before;
  EXPECT_EQ(of_drafts, (prompt.size() + 2) * per_token);
  feed(*model, sequence.id(), next, 512);
  EXPECT_EQ(rows_read(*model) - before - of_drafts, per_token);  // of the last token, which no draft followed
  // From now on nothing is looked up twice.
  const std::uint64_t later = rows_read(*model);
  suppose(*model, sequence.id(), 3);
  suppose(*model, sequence.id(), 1);
  EXPECT_EQ(rows_read(*model) - later, 2 * per_token);
}

TEST(Draft, NeedsABlockAndAnEndOfTheHistoryThatWasKept) {
  const auto without = drafting_model("reference", model::DraftBlock::none);
  const auto model = drafting_model("reference", model::DraftBlock::ngram_embedding);
  lm::Sequence a(*without), b(*model);
  const Ids ids = {1, 2, 3, 4, 5, 6};
  feed(*without, a.id(), ids, 512);
  EXPECT_FALSE(without->can_draft(a.id()));
  EXPECT_REFUSED(suppose(*without, a.id(), 1), ErrorKind::usage, "no draft block");
  EXPECT_REFUSED(suppose(*model, b.id(), 1), ErrorKind::usage, "nothing is known of the end");
  const lm::Chunk kept_nothing{b.id(), ids, 1, 0};
  model->forward({&kept_nothing, 1});
  EXPECT_FALSE(model->can_draft(b.id()));
  feed(*model, b.id(), ids, 512);
  EXPECT_TRUE(model->can_draft(b.id()));
  EXPECT_REFUSED(suppose(*model, b.id(), 64), ErrorKind::bad_input, "outside the vocabulary");
  EXPECT_TRUE(model->can_draft(b.id()));
  b.truncate(8);
  EXPECT_TRUE(model->can_draft(b.id()));
  suppose(*model, b.id(), 7);
  b.truncate(7);
  EXPECT_FALSE(model->can_draft(b.id()));
  EXPECT_REFUSED(drafting_model("reference", model::DraftBlock::ngram_embedding, "n3k2"),
                 ErrorKind::unsupported, "no draft block");
}

}  // namespace
}  // namespace nestor
