// Which rows a batch reads, and how the draft's positions find the embedding of their next token.
#include "train/modules/lookups.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/refusal.h"
#include "train/model_fixture.h"
#include "train/modules/initial_values.h"

namespace nestor::train {
namespace {

// The row numbers that a lookup stands for.
std::vector<std::int64_t> rows_of_lookup(const TableLookup& lookup) {
  std::vector<std::int64_t> rows;
  for (const std::int32_t i : lookup.batch.index)
    rows.push_back(lookup.batch.rows[static_cast<std::size_t>(i)]);
  return rows;
}

corpus::Batch two_documents() {
  corpus::Batch batch;
  batch.rows = 1;
  batch.window = 7;
  batch.ids = {10, 11, 2, 12, 13, 14, 15};
  batch.segments = {0, 0, 0, 1, 1, 1, 1};
  batch.positions = {0, 1, 2, 0, 1, 2, 3};
  batch.targets = {11, 2, -1, 13, 14, 15, 16};
  batch.second_targets = {2, -1, -1, 14, 15, 16, 17};
  return batch;
}

TEST(Lookups, TheDraftSeesTheNextTokenWithoutTheFirstOfItsDocument) {
  // Trigrams in one split: tables 0 (pairs) and 1 (triples) of 61 * 3.3 -> 202 and 204 rows.
  const testing::TrainingModel model(testing::tiny_config({{"emb_neighbor_num", 3}, {"emb_split_num", 1}}),
                                     1);
  const Inputs in = model.read(two_documents(), {Purpose::Kind::train, 1});
  // Places 0..6 are the row itself; then the second and third token of each document, hashed without the
  // first.
  EXPECT_EQ(rows_of_lookup(in.input.word),
            (std::vector<std::int64_t>{10, 11, 2, 12, 13, 14, 15, 11, 2, 13, 14}));
  const std::int64_t m = 202;  // int(3.3 * 61 + 1)
  EXPECT_EQ(rows_of_lookup(in.input.ngrams[0]),
            (std::vector<std::int64_t>{10, (11 + 10 * 61) % m, (2 + 11 * 61) % m, 12, (13 + 12 * 61) % m,
                                       (14 + 13 * 61) % m, (15 + 14 * 61) % m, 11, (2 + 11 * 61) % m, 13,
                                       (14 + 13 * 61) % m}));
  // Position 0 reads token 1 at place 7, position 1 token 2 at place 8; 2 is the last of its document and not
  // scored.
  const torch::Tensor expected = torch::tensor({7, 8, 2, 9, 10, 6, 6}, torch::kInt32);
  EXPECT_TRUE(torch::equal(in.draft_index, expected)) << in.draft_index;
  // The last position has no next token in the row, so it is not scored although the batch knows what
  // follows.
  EXPECT_TRUE(torch::equal(in.draft_targets, torch::tensor({2, -1, -1, 14, 15, 16, -1}, torch::kInt64)));
  EXPECT_EQ(in.own.draft_scored, 4);
  EXPECT_EQ(in.own.scored, 6);
}

// Held-out texts have no end of sequence between their documents.
TEST(Lookups, NoNGramReachesIntoAnotherDocument) {
  const testing::TrainingModel model(testing::tiny_config({{"emb_neighbor_num", 3}, {"emb_split_num", 1}}),
                                     1);
  corpus::Batch batch = two_documents();
  batch.ids[2] = 9;
  const Inputs in = model.read(batch, {Purpose::Kind::evaluate, 0});
  const std::int64_t m = 202, n = 204;
  const auto pairs = rows_of_lookup(in.input.ngrams[0]);
  const auto triples = rows_of_lookup(in.input.ngrams[1]);
  EXPECT_EQ(pairs[2], (9 + 11 * 61) % m);
  EXPECT_EQ(pairs[3], 12);
  EXPECT_EQ(triples[2], (9 + 11 * 61 + 10 * 61 * 61) % n);
  EXPECT_EQ(triples[4], (13 + 12 * 61) % n);
}

// Equal paths: what the draft answers inside a row of several documents is what it answers to each of them
// alone. The bound is that of engine_parity_test.cpp.
TEST(Lookups, TheDraftOfADocumentDoesNotDependOnItsRow) {
  const testing::TrainingModel model(testing::tiny_config(), 1);
  const corpus::Batch batch = testing::random_batch(model.lm->config(), 3, 19, 11);
  const torch::Tensor together = model.lm->draft_logits(model.read(batch, {Purpose::Kind::evaluate, 3}));
  std::int64_t first = 0;
  for (const auto& ids : testing::documents_of(batch)) {
    const auto length = static_cast<std::int64_t>(ids.size());
    const Inputs inputs = model.read(testing::one_document(ids), {Purpose::Kind::evaluate, 1});
    if (length > 1) {  // the last position has no next token to embed
      const torch::Tensor alone = model.lm->draft_logits(inputs).narrow(0, 0, length - 1);
      const torch::Tensor found = together.narrow(0, first, length - 1);
      EXPECT_LT((found - alone).abs().max().item<double>(),
                20 * 64 * 0x1p-24 * alone.abs().max().item<double>());
    }
    first += length;
  }
}

TEST(Lookups, WithoutDraftNothingIsAdded) {
  const testing::TrainingModel model(testing::tiny_config(), 1);
  const Inputs in = model.read(two_documents(), {Purpose::Kind::evaluate, 0});
  for (const TableLookup* lookup : in.lookups()) {
    EXPECT_EQ(lookup->index.numel(), 7);
    EXPECT_FALSE(lookup->leaf.requires_grad());
  }
  EXPECT_EQ(in.own.draft_scored, 0);
}

TEST(Lookups, ForeignTokensAreRefused) {
  const testing::TrainingModel model(testing::tiny_config(), 1);
  corpus::Batch batch = two_documents();
  batch.ids[3] = 61;
  EXPECT_REFUSED(model.read(batch), ErrorKind::bad_input, "61");
}

TEST(InitialValues, ArePureFunctionsOfSeedNameAndElement) {
  recipe::Modeling modeling;
  modeling.config = testing::TrainingModel(testing::tiny_config(), 1).lm->config();
  const CausalLm a(modeling, {}, {7}), b(modeling, {}, {7}), c(modeling, {}, {8});
  for (std::size_t i = 0; i < a.parameters().size(); ++i) {
    const Parameter& p = a.parameters()[i];
    EXPECT_TRUE(torch::equal(p.tensor, b.parameters()[i].tensor)) << p.name;
    if (p.role == Role::vector) continue;
    EXPECT_FALSE(torch::equal(p.tensor, c.parameters()[i].tensor)) << p.name;
  }
  // In pieces of any size, odd ones too.
  const TableSpec table{{}, "t", 9, 5, 1, 2.0};
  std::vector<float> whole(45), piece(15);
  initial_rows(table, 3, 0, whole);
  initial_rows(table, 3, 3, piece);
  EXPECT_TRUE(std::equal(piece.begin(), piece.end(), whole.begin() + 15));
}

TEST(InitialValues, SpreadAsAsked) {
  std::vector<float> values(20000);
  normal_values(1, "x", 0, 0.5, values);
  double sum = 0, squares = 0;
  for (const float v : values) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  // Standard errors of mean and variance: 0.5 / sqrt(n) = 0.0035 and 0.25 sqrt(2 / n) = 0.0025; four of them.
  EXPECT_NEAR(sum / 20000, 0, 0.015);
  EXPECT_NEAR(squares / 20000, 0.25, 0.01);
}

TEST(InitialValues, FoldedAmplificationIsInTheTables) {
  recipe::Modeling modeling;
  modeling.config = testing::TrainingModel(testing::tiny_config(), 1).lm->config();
  modeling.word_table_std = 0.5;
  modeling.ngram_table_std = 0.25;
  modeling.amplification = recipe::Amplification::none;
  EXPECT_DOUBLE_EQ(table_specs(modeling)[0].initial_std, 0.5);
  modeling.amplification = recipe::Amplification::sqrt_d;
  EXPECT_DOUBLE_EQ(table_specs(modeling)[0].initial_std, 0.5 * std::sqrt(24.0));
  EXPECT_DOUBLE_EQ(table_specs(modeling)[1].initial_std, 0.25 * std::sqrt(24.0));
}

}  // namespace
}  // namespace nestor::train
