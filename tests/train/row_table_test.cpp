#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "table_fixture.h"

namespace nestor::train {
namespace {

struct Variant {
  Optimizer::Kind kind;
  Optimizer::Numbers numbers;
  double beta1;
};

class RowTables : public ::testing::TestWithParam<Variant> {
 protected:
  static TableOptions options(std::int64_t rows, std::int64_t width) {
    TableOptions options = table_options(rows, width, GetParam().kind, GetParam().numbers);
    options.optimizer.beta1 = GetParam().beta1;
    return options;
  }
};

std::vector<float> values_after(const TableOptions& options, std::int64_t steps) {
  const auto table = make_row_table(options);
  table->assign(3, normals(4 * static_cast<std::size_t>(options.width), 5));
  for (std::int64_t step = 1; step <= steps; ++step) train_step(*table, step, 3);
  return all_values(*table);
}

// More rows than two threads' smallest shares, so that both get some.
constexpr std::int64_t kRows = 2000;

TEST_P(RowTables, TwoRunsAreTheSameBits) {
  const auto values = values_after(options(kRows, 33), 12);
  EXPECT_EQ(values, values_after(options(kRows, 33), 12));
  EXPECT_NE(values, values_after(options(kRows, 33), 11));
}

TEST_P(RowTables, NumberOfThreadsChangesNoBit) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = values_after(options(kRows, 17), 12);
  at::set_num_threads(3);
  EXPECT_EQ(alone, values_after(options(kRows, 17), 12));
  at::set_num_threads(before);
}

TEST_P(RowTables, MappedAndResidentAreTheSameBits) {
  const testing::ScratchFolder folder;
  for (const std::int64_t width : {1, 7, 32, 200}) {
    TableOptions mapped = options(kRows, width);
    mapped.optimizer.storage = Optimizer::Storage::mapped;
    mapped.scratch = folder.path();
    EXPECT_EQ(values_after(options(kRows, width), 9), values_after(mapped, 9));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));  // the file is no litter
}

// A factor of 2^n in front of the values and 2^-n in front of the gradients commutes with every rounding.
TEST_P(RowTables, AmplificationIsTheFactorOutside) {
  TableOptions plain = options(50, 9), folded = options(50, 9);
  folded.amplification = 16;
  const auto outside = make_row_table(plain), inside = make_row_table(folded);
  for (std::int64_t step = 1; step <= 30; ++step) {
    const auto rows = touched_rows(50, static_cast<std::uint64_t>(step), 4);
    auto gradients = normals(rows.size() * 9, static_cast<std::uint64_t>(step));
    outside->update(rows, gradients, step_number(step));
    for (float& g : gradients) g /= 16;
    inside->update(rows, gradients, step_number(step));
  }
  auto expected = all_values(*outside);
  for (float& value : expected) value *= 16;
  EXPECT_EQ(expected, all_values(*inside));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, RowTables,
    ::testing::Values(Variant{Optimizer::Kind::row_adam, Optimizer::Numbers::f32, 0.9},
                      Variant{Optimizer::Kind::row_adam, Optimizer::Numbers::bf16, 0.9},
                      Variant{Optimizer::Kind::row_adam, Optimizer::Numbers::f32, 0},
                      Variant{Optimizer::Kind::row_adam, Optimizer::Numbers::bf16, 0},
                      Variant{Optimizer::Kind::row_adagrad, Optimizer::Numbers::f32, 0.9},
                      Variant{Optimizer::Kind::row_adagrad, Optimizer::Numbers::bf16, 0.9},
                      Variant{Optimizer::Kind::adam, Optimizer::Numbers::f32, 0.9},
                      Variant{Optimizer::Kind::adam, Optimizer::Numbers::bf16, 0.9},
                      Variant{Optimizer::Kind::adam, Optimizer::Numbers::f32, 0}));

TEST(RowTable, BeginsWithZerosAndTakesNoMemoryForThem) {
  const auto table = make_row_table(table_options(std::int64_t{1} << 30, 64, Optimizer::Kind::adam));
  EXPECT_GT(table->bytes(), std::uint64_t{1} << 39);  // more than any machine that runs this test has
  std::vector<float> values(2 * 64, 1.0F);
  table->gather(std::vector<std::int64_t>{0, (std::int64_t{1} << 30) - 1}, values);
  EXPECT_EQ(values, std::vector<float>(2 * 64, 0.0F));
}

TEST(RowTable, AssignedValuesComeBack) {
  const auto values = normals(5 * 6, 1);
  for (const auto numbers : {Optimizer::Numbers::f32, Optimizer::Numbers::bf16}) {
    const auto table = make_row_table(table_options(20, 6, Optimizer::Kind::adam, numbers));
    table->assign(10, values);
    const auto all = all_values(*table);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const float expected = i >= 60 && i < 90 ? values[i - 60] : 0.0F;
      // bfloat16 has 8 significant bits; rounding to nearest loses at most 2^-9 of the next power of two.
      const float bound = numbers == Optimizer::Numbers::f32 ? 0.0F : std::abs(expected) * 0x1p-8F;
      EXPECT_LE(std::abs(all[i] - expected), bound) << i;
    }
  }
}

TEST(RowTable, UntouchedRowsStay) {
  const auto table = make_row_table(table_options(100, 4, Optimizer::Kind::adam));
  table->assign(0, normals(400, 2));
  const auto before = all_values(*table);
  table->update(std::vector<std::int64_t>{7, 9}, std::vector<float>(8, 1.0F), {0.1, 1, 1});
  const auto after = all_values(*table);
  for (std::size_t i = 0; i < 400; ++i) {
    const bool touched = i / 4 == 7 || i / 4 == 9;
    EXPECT_EQ(before[i] != after[i], touched) << i;
  }
}

TEST(RowTable, RefusesMisuse) {
  const auto make = [](auto change) {
    TableOptions options = table_options(10, 4, Optimizer::Kind::adam);
    change(options);
    return make_row_table(options);
  };
  EXPECT_REFUSED(make([](auto& o) { o.rows = 0; }), ErrorKind::usage, "number of rows");
  EXPECT_REFUSED(make([](auto& o) { o.width = 0; }), ErrorKind::usage, "width must be 1 to");
  EXPECT_REFUSED(make([](auto& o) { o.name = "a/b"; }), ErrorKind::usage, "name of a file");
  EXPECT_REFUSED(make([](auto& o) { o.optimizer.epsilon = 0; }), ErrorKind::usage, "epsilon");
  EXPECT_REFUSED(make([](auto& o) { o.optimizer.beta1 = 0.999; }), ErrorKind::usage, "beta1");
  EXPECT_REFUSED(make([](auto& o) { o.amplification = 0; }), ErrorKind::usage, "amplification");
  EXPECT_REFUSED(make([](auto& o) { o.rows = std::int64_t{1} << 38, o.width = 1 << 20; }), ErrorKind::limit,
                 "that are possible");

  const auto table = make([](auto&) {});
  const std::vector<float> one(4), two(8);
  using Rows = std::vector<std::int64_t>;
  EXPECT_REFUSED(table->update(Rows{1}, one, {0.1, 2, 1}), ErrorKind::usage, "step 2 after step 0");
  EXPECT_REFUSED(table->update(Rows{1}, two, {0.1, 1, 1}), ErrorKind::usage, "8 gradients for 1 rows");
  EXPECT_REFUSED(table->update(Rows{2, 1}, two, {0.1, 1, 1}), ErrorKind::usage, "row 1 after 2");
  EXPECT_REFUSED(table->update(Rows{1, 1}, two, {0.1, 1, 1}), ErrorKind::usage, "row 1 after 1");
  EXPECT_REFUSED(table->update(Rows{10}, one, {0.1, 1, 1}), ErrorKind::usage, "below 10");
  std::vector<float> out(4);
  EXPECT_REFUSED(table->gather(Rows{10}, out), ErrorKind::usage, "row 10 of 10");
  EXPECT_REFUSED(table->gather(Rows{1, 2}, out), ErrorKind::usage, "do not fill 4");
  EXPECT_REFUSED(table->assign(9, two), ErrorKind::usage, "from row 9 of 10");
}

TEST(RowTable, RefusesADiskThatIsTooSmall) {
  const testing::ScratchFolder folder;
  TableOptions options = table_options(std::int64_t{1} << 36, 64, Optimizer::Kind::row_adagrad);
  options.optimizer.storage = Optimizer::Storage::mapped;
  options.scratch = folder.path();
  EXPECT_REFUSED(make_row_table(options), ErrorKind::limit, "bytes of disk");
  options.scratch = folder.path() / "absent";
  EXPECT_REFUSED(make_row_table(options), ErrorKind::io, "cannot put a mapped table into");
}

}  // namespace
}  // namespace nestor::train
