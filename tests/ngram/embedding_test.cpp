// Eq. 3 by hand: tables whose rows are their own numbers.
#include "ngram/embedding.h"

#include <gtest/gtest.h>

#include <cstring>

#include "kernels/registry.h"
#include "quant/matrix.h"

namespace nestor::ngram {
namespace {

// Row i is [scale * i, scale * i + 1, ...]. Every other row has to be waited for.
class RampStore : public RowStore {
 public:
  RampStore(std::int64_t rows, std::int64_t width, float scale) : rows_(rows), width_(width), scale_(scale) {}
  std::int64_t rows() const override { return rows_; }
  std::int64_t width() const override { return width_; }
  RowFormat format() const override { return quant::Format::f32; }
  std::vector<std::size_t> begin(std::span<const std::int64_t> ids, std::span<std::byte> out) const override {
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i % 2 == 0) write(ids[i], i, out);
      if (i % 2 == 1) waiting.push_back(i);
    }
    return waiting;
  }
  void finish(std::span<const std::int64_t> ids, std::span<const std::size_t> waiting,
              std::span<std::byte> out) const override {
    for (const std::size_t i : waiting) write(ids[i], i, out);
  }

 private:
  void write(std::int64_t id, std::size_t at, std::span<std::byte> out) const {
    ASSERT_LT(id, rows_);
    for (std::int64_t k = 0; k < width_; ++k) {
      const float value = scale_ * static_cast<float>(id) + static_cast<float>(k);
      std::memcpy(out.data() + 4 * (at * static_cast<std::size_t>(width_) + static_cast<std::size_t>(k)),
                  &value, 4);
    }
  }

  std::int64_t rows_;
  std::int64_t width_;
  float scale_;
};

class Embedding : public ::testing::Test {
 protected:
  kernels::Team team{1};
  kernels::Arena arena;
  kernels::Work work;
  kernels::Context ctx{kernels::select_set("auto", cpu_info()), team, arena, work};
};

TEST_F(Embedding, WordsAlone) {
  const NgramEmbedding embedding(std::make_unique<RampStore>(10, 3, 100.0F));
  const std::vector<TokenId> history = {4, 9, 1};
  Lookup lookup;
  lookup.add(history, 1);
  std::vector<float> out(6);
  embedding.embed(ctx, lookup, {out.data(), 3});
  EXPECT_EQ(out, (std::vector<float>{900, 901, 902, 100, 101, 102}));
}

// N 2, K 2, V 10, ratio 1: tables of 11 and 13 rows, width 4 / 2. Each projection copies the row into one
// half.
TEST_F(Embedding, TheMeanOfTheWordAndTheProjectedRows) {
  const config::NgramSpec spec = {.order = 2, .splits = 2, .ratio = 1, .vocab_size = 10};
  const std::vector<float> low = {1, 0, 0, 1, 0, 0, 0, 0};
  const std::vector<float> high = {0, 0, 0, 0, 1, 0, 0, 1};
  std::vector<Table> tables;
  tables.push_back({std::make_unique<RampStore>(11, 2, 1000.0F),
                    quant::matrix_view(low.data(), quant::Format::f32, 4, 2)});
  tables.push_back({std::make_unique<RampStore>(13, 2, 1000.0F),
                    quant::matrix_view(high.data(), quant::Format::f32, 4, 2)});
  const NgramEmbedding embedding(std::make_unique<RampStore>(10, 4, 1.0F),
                                 std::make_shared<hash::NgramHash>(spec, std::vector<TokenId>{2}),
                                 std::move(tables));
  const std::vector<TokenId> history = {3, 7};
  Lookup lookup;
  lookup.add(history, 1);
  std::vector<float> out(4);
  embedding.embed(ctx, lookup, {out.data(), 4});
  // 7 + 10 * 3 = 37: row 4 of 11, row 11 of 13.
  EXPECT_EQ(out, (std::vector<float>{(7 + 4000) / 3.0F, (8 + 4001) / 3.0F, (9 + 11000) / 3.0F,
                                     (10 + 11001) / 3.0F}));
}

}  // namespace
}  // namespace nestor::ngram
