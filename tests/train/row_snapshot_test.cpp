#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/file.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "table_fixture.h"
#include "train/tables/row_snapshot.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRows = 600;

TableOptions options_for(Optimizer::Kind kind, Optimizer::Numbers numbers) {
  return table_options(kRows, 10, kind, numbers);
}

std::unique_ptr<RowTable> fresh(const TableOptions& options) {
  auto table = make_row_table(options);
  table->assign(0, normals(static_cast<std::size_t>(kRows * options.width), 3));
  return table;
}

fs::path file_of(const fs::path& folder, std::int64_t number) {
  return folder / ("model.table.weight." + std::to_string(number) + ".rows");
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

// Saved at 10, 20, 30 and resumed from each: the end is the same bits as without a pause, and so is what the
// resumed run saves next.
TEST(RowSnapshot, ResumedIsUninterrupted) {
  for (const auto kind : {Optimizer::Kind::row_adam, Optimizer::Kind::row_adagrad, Optimizer::Kind::adam}) {
    for (const auto numbers : {Optimizer::Numbers::f32, Optimizer::Numbers::bf16}) {
      const testing::ScratchFolder folder;
      const TableOptions options = options_for(kind, numbers);
      const auto whole = fresh(options);
      for (std::int64_t step = 1; step <= 40; ++step) {
        train_step(*whole, step, 40);
        if (step % 10 == 0) whole->save(folder.path(), step);
      }
      for (const std::int64_t from : {10, 20, 30}) {
        const testing::ScratchFolder other;
        fs::copy(folder.path(), other.path());
        const auto resumed = make_row_table(options);
        resumed->load(other.path(), from);
        for (std::int64_t step = from + 1; step <= 40; ++step) {
          train_step(*resumed, step, 40);
          if (step % 10 == 0) resumed->save(other.path(), step);
        }
        EXPECT_EQ(all_values(*whole), all_values(*resumed));
        EXPECT_EQ(read_file(file_of(folder.path(), 40), 1 << 20),
                  read_file(file_of(other.path(), 40), 1 << 20));
      }
    }
  }
}

// As older versions wrote them: from 2 on, the rows changed since the one before. Made of snapshots with all
// rows, of which those are left out that are as they were.
void make_chain(const fs::path& folder, const TableOptions& options, std::int64_t last) {
  for (std::int64_t number = last; number > 1; --number) {
    const RowShape shape = row_snapshot_head(file_of(folder, number)).shape;
    const RowSnapshotFile now(file_of(folder, number), shape, number);
    const RowSnapshotFile before(file_of(folder, number - 1), shape, number - 1);
    std::vector<std::int64_t> changed;
    for (std::int64_t row = 0; row < options.rows; ++row) {  // row i is record i: all are there
      if (!std::ranges::equal(now.record(row), before.record(row))) changed.push_back(row);
    }
    RowSnapshot chained;
    chained.head = now.head();
    chained.head.previous = number - 1;
    chained.head.count = std::ssize(changed);
    chained.drift = now.drift();
    chained.rows = changed;
    chained.record = [&](std::int64_t row) { return now.record(row).data(); };
    EXPECT_LT(chained.head.count, options.rows / 5);
    write_row_snapshot(folder / "chained", chained);
    fs::rename(folder / "chained", file_of(folder, number));
  }
}

// Each stands for itself: with all others gone it is the same.
TEST(RowSnapshot, DependsOnNoOther) {
  const testing::ScratchFolder folder;
  const TableOptions options = options_for(Optimizer::Kind::row_adam, Optimizer::Numbers::f32);
  const auto table = fresh(options);
  std::vector<std::vector<float>> values;
  for (std::int64_t step = 1; step <= 4; ++step) {
    train_step(*table, step, 20);
    table->save(folder.path(), step);
    values.push_back(all_values(*table));
  }
  for (std::int64_t step = 1; step <= 4; ++step) {
    const testing::ScratchFolder alone;
    fs::copy(file_of(folder.path(), step), alone.path());
    const auto loaded = make_row_table(options);
    loaded->load(alone.path(), step);
    EXPECT_EQ(values[static_cast<std::size_t>(step - 1)], all_values(*loaded));
  }
}

TEST(RowSnapshot, RowsThatWereNeverTouchedAreNotStored) {
  const testing::ScratchFolder folder;
  const auto table = make_row_table(table_options(std::int64_t{1} << 26, 8, Optimizer::Kind::row_adagrad));
  table->update(std::vector<std::int64_t>{5, 1 << 25}, std::vector<float>(16, 1.0F), {0.1, 1, 1});
  table->save(folder.path(), 1);
  EXPECT_LT(fs::file_size(file_of(folder.path(), 1)), 400U);
}

TEST(RowSnapshot, PruningKeepsWhatIsBuiltOn) {
  const testing::ScratchFolder folder;
  const TableOptions options = options_for(Optimizer::Kind::row_adam, Optimizer::Numbers::f32);
  const auto table = fresh(options);
  std::vector<std::vector<float>> values;
  for (std::int64_t step = 1; step <= 4; ++step) {
    train_step(*table, step, 20);
    table->save(folder.path(), step);
    values.push_back(all_values(*table));
  }
  make_chain(folder.path(), options, 4);
  folder.write("model.table.weight.5.rows.1234.tmp", "half");
  folder.write("model.table.weight.2.5.rows", "of another table");
  folder.write("model.table.5.rows", "of another table");
  table->prune(folder.path(), std::vector<std::int64_t>{3});
  EXPECT_EQ(names_in(folder.path()),
            (std::set<std::string>{"model.table.weight.1.rows", "model.table.weight.2.rows",
                                   "model.table.weight.3.rows", "model.table.weight.2.5.rows",
                                   "model.table.5.rows"}));
  const auto loaded = make_row_table(options);
  loaded->load(folder.path(), 3);
  EXPECT_EQ(values[2], all_values(*loaded));
  EXPECT_REFUSED(make_row_table(options)->load(folder.path(), 4), ErrorKind::not_found, "weight.4.rows");
}

// What a kill leaves: a snapshot that the run's own state never came to name. The run resumes from the one
// before and writes it again, with other rows in between.
TEST(RowSnapshot, ASnapshotThatDidNotCountIsWrittenAgain) {
  const testing::ScratchFolder folder;
  const TableOptions options = options_for(Optimizer::Kind::row_adam, Optimizer::Numbers::f32);
  {
    const auto killed = fresh(options);
    train_step(*killed, 1, 20);
    killed->save(folder.path(), 1);
    train_step(*killed, 2, 20);
    killed->save(folder.path(), 2);
  }
  const auto table = make_row_table(options);
  table->load(folder.path(), 1);
  train_step(*table, 2, 7);
  table->save(folder.path(), 2);
  train_step(*table, 3, 20);
  table->save(folder.path(), 3);
  const auto loaded = make_row_table(options);
  loaded->load(folder.path(), 3);
  EXPECT_EQ(all_values(*table), all_values(*loaded));
}

class DamagedSnapshot : public ::testing::Test {
 protected:
  DamagedSnapshot() {
    const auto table = fresh(options_);
    for (std::int64_t step = 1; step <= 3; ++step) {
      train_step(*table, step, 20);
      table->save(folder_.path(), step);
    }
    values_ = all_values(*table);
    make_chain(folder_.path(), options_, 3);
  }
  void expect_refused(ErrorKind kind, const char* fragment, std::int64_t number = 3) {
    const auto table = make_row_table(options_);
    EXPECT_REFUSED(table->load(folder_.path(), number), kind, fragment);
    EXPECT_EQ(all_values(*table),
              std::vector<float>(static_cast<std::size_t>(kRows * 10)));  // nothing half loaded
  }
  void change_byte(const fs::path& path, std::uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char old = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(old ^ 1));
  }
  fs::path file(std::int64_t number) const { return file_of(folder_.path(), number); }

  std::vector<float> values_;
  testing::ScratchFolder folder_;
  TableOptions options_ = options_for(Optimizer::Kind::row_adam, Optimizer::Numbers::f32);
};

TEST_F(DamagedSnapshot, NotYet) {
  const auto table = make_row_table(options_);
  table->load(folder_.path(), 3);
  EXPECT_EQ(all_values(*table), values_);
}

TEST_F(DamagedSnapshot, AMissingLink) {
  fs::remove(file(2));
  expect_refused(ErrorKind::not_found, "weight.2.rows");
}

TEST_F(DamagedSnapshot, ATruncatedLink) {
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{71}, std::uint64_t{1000}, fs::file_size(file(1)) - 1}) {
    fs::resize_file(file(1), size);
    expect_refused(ErrorKind::bad_input, "weight.1.rows");
  }
}

TEST_F(DamagedSnapshot, AnyChangedByte) {
  const auto size = fs::file_size(file(3));
  for (std::uint64_t at = 0; at < size; at += at < 80 ? 1 : 37) {
    change_byte(file(3), at);
    const auto table = make_row_table(options_);
    EXPECT_TRUE(testing::refusal_of([&] { table->load(folder_.path(), 3); })) << at;
    change_byte(file(3), at);
  }
  make_row_table(options_)->load(folder_.path(), 3);
}

TEST_F(DamagedSnapshot, ARenamedOne) {
  fs::copy_file(file(2), file(7));
  expect_refused(ErrorKind::bad_input, "expected snapshot 7, found 2", 7);
}

TEST_F(DamagedSnapshot, OneOfAnotherTable) {
  for (const auto change : {+[](TableOptions& o) { o.rows = 601; }, +[](TableOptions& o) { o.width = 11; },
                            +[](TableOptions& o) { o.optimizer.kind = Optimizer::Kind::adam; },
                            +[](TableOptions& o) { o.optimizer.beta1 = 0; }}) {
    TableOptions other = options_;
    change(other);
    EXPECT_REFUSED(make_row_table(other)->load(folder_.path(), 3), ErrorKind::bad_input,
                   "was the recipe changed?");
  }
}

TEST_F(DamagedSnapshot, IntoAUsedTable) {
  EXPECT_REFUSED(fresh(options_)->load(folder_.path(), 3), ErrorKind::usage, "just made");
}

}  // namespace
}  // namespace nestor::train
