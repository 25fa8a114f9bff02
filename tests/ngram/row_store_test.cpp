// Rows in files: what is read is what was stored, in every format, and where it came from is counted.
#include "ngram/row_store.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "kernels/registry.h"
#include "ngram/embedding.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "support/kernel_sets.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::ngram {
namespace {

constexpr std::int64_t kRows = 300;
constexpr std::size_t kBefore = 13;  // bytes of other things before the table

// A table in a file, and its values by the scalar definitions.
class StoredTable {
 public:
  StoredTable(RowFormat format, std::int64_t width) : width_(width), format_(format) {
    std::string bytes(kBefore, 'x');
    if (const auto* record = std::get_if<quant::RecordFormat>(&format)) {
      std::string table(static_cast<std::size_t>(record->pages(kRows) * quant::kPageBytes), '\0');
      auto* data = reinterpret_cast<std::uint8_t*>(table.data());
      for (std::int64_t row = 0; row < kRows; ++row) {
        std::vector<float> values;
        for (std::int64_t k = 0; k < width; ++k) values.push_back(number(row, k));
        std::uint8_t* own = data + record->offset(row);
        quant::encode_record(*record, values, quant::ScaleRule::absmax, own);
        quant::decode_record(*record, own, values.data());
        values_.insert(values_.end(), values.begin(), values.end());
      }
      bytes += table;
    } else {
      const auto plain = std::get<quant::Format>(format);
      std::string table;
      for (std::int64_t i = 0; i < kRows * width; ++i) {
        const float value = number(i / width, i % width);
        const std::uint16_t half = plain == quant::Format::bf16 ? quant::to_bf16(value) : 0;
        table.append(plain == quant::Format::f32 ? reinterpret_cast<const char*>(&value)
                                                 : reinterpret_cast<const char*>(&half),
                     static_cast<std::size_t>(quant::element_bytes(plain)));
      }
      const auto view = quant::matrix_view(table.data(), plain, kRows, width);
      for (std::int64_t i = 0; i < kRows * width; ++i)
        values_.push_back(quant::element(view, i / width, i % width));
      bytes += table;
    }
    file_.emplace(folder_.write("table", bytes));
  }

  std::unique_ptr<FileRowStore> store() const {
    return std::make_unique<FileRowStore>(*file_, kBefore, kRows, width_, format_);
  }
  const std::filesystem::path& path() const { return file_->path(); }

  std::vector<float> values(const std::vector<TokenId>& rows) const {
    std::vector<float> out;
    for (const TokenId row : rows) {
      const auto own = values_.begin() + row * width_;
      out.insert(out.end(), own, own + width_);
    }
    return out;
  }

 private:
  static float number(std::int64_t row, std::int64_t k) {
    return std::sin(static_cast<float>(row * 31 + k) * 0.7F);
  }

  testing::ScratchFolder folder_;
  std::int64_t width_;
  RowFormat format_;
  std::vector<float> values_;
  std::optional<InputFile> file_;
};

std::vector<float> embedded(const std::string& set, const StoredTable& table, std::int64_t width,
                            const std::vector<TokenId>& ids) {
  kernels::Team team(1);
  kernels::Arena arena;
  kernels::Work work;
  const kernels::Context ctx{kernels::select_set(set, cpu_info()), team, arena, work};
  Lookup lookup;
  lookup.add(ids, 0);
  std::vector<float> out(ids.size() * static_cast<std::size_t>(width));
  NgramEmbedding(table.store()).embed(ctx, lookup, {out.data(), width});
  return out;
}

const std::vector<TokenId> kSome = {0, 299, 7, 7, 150, 0, 298, 1, 299, 31, 7};  // borders, repeated rows

TEST(RowStore, RowsAreWhatWasStored) {
  for (const std::int64_t width : {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 200}) {
    const std::vector<RowFormat> formats = {quant::Format::f32, quant::Format::bf16,
                                            quant::RecordFormat{8, width}, quant::RecordFormat{4, width},
                                            quant::RecordFormat{2, width}};
    for (std::size_t f = 0; f < formats.size(); ++f) {
      const StoredTable table(formats[f], width);
      for (const std::string& set : testing::kernel_sets()) {
        EXPECT_EQ(embedded(set, table, width, kSome), table.values(kSome))
            << set << ", width " << width << ", " << f;
      }
    }
  }
}

TEST(RowStore, RecordsLargerThanAPage) {
  constexpr std::int64_t kWidth = 4100;
  const StoredTable table(quant::RecordFormat{8, kWidth}, kWidth);
  EXPECT_EQ(embedded("auto", table, kWidth, kSome), table.values(kSome));
}

TEST(RowStore, EveryRowIsCountedOnceByItsTier) {
  const StoredTable table(quant::Format::f32, 5);
  const auto store = table.store();
  std::vector<std::byte> out(3 * 20);
  std::uint64_t waited = 0;
  for (std::int64_t row = 0; row < 12; row += 3) {
    const std::vector<std::int64_t> ids = {row, row + 1, row};
    std::array<std::size_t, 3> waiting{};
    const std::size_t count = store->begin(ids, out, waiting);
    waited += count;
    store->finish(ids, std::span(waiting).first(count), out);
  }
  const RowReads reads = store->reads();
  EXPECT_EQ(reads.memory, 12 - waited);
  EXPECT_EQ(reads.disk + reads.unknown, waited);
}

TEST(RowStore, RowsOutsideTheTableAreRefused) {
  const StoredTable table(quant::Format::f32, 5);
  const auto store = table.store();
  std::vector<std::byte> out(2 * 20);
  for (const std::int64_t row : {std::int64_t{-1}, kRows, INT64_MAX}) {
    const std::vector<std::int64_t> ids = {0, row};
    std::array<std::size_t, 2> waiting{};
    EXPECT_REFUSED(store->begin(ids, out, waiting), ErrorKind::internal, "of a table of 300");
  }
}

// A row that ends early is an error; the rows before it are still there.
TEST(RowStore, AFileThatBecameShorterIsAnError) {
  const StoredTable table(quant::Format::f32, 5);
  const auto store = table.store();
  std::filesystem::resize_file(table.path(), kBefore + 20 * 100 + 19);  // a byte of row 100 is missing
  std::vector<std::byte> out(3 * 20);
  const auto read = [&](const std::vector<std::int64_t>& ids) {
    std::array<std::size_t, 3> waiting{};
    store->finish(ids, std::span(waiting).first(store->begin(ids, out, waiting)), out);
  };
  EXPECT_REFUSED(read({0, 100, 99}), ErrorKind::io, table.path().filename().string());
  EXPECT_REFUSED(read({101}), ErrorKind::io, "");
  read({0, 99, 50});
  float first = 0;
  std::memcpy(&first, out.data() + 20, 4);
  EXPECT_EQ(first, table.values({99})[0]);
}

}  // namespace
}  // namespace nestor::ngram
