#include "quant/encoding.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "quant/record.h"
#include "quant/tile.h"

namespace nestor::quant {
namespace {

using Layout = Encoding::Layout;

constexpr std::array kTiles = {Encoding{Layout::tiles, 8}, Encoding{Layout::tiles, 4}};
constexpr std::array kRecords = {Encoding{Layout::records, 8}, Encoding{Layout::records, 6},
                                 Encoding{Layout::records, 5}, Encoding{Layout::records, 4},
                                 Encoding{Layout::records, 3}, Encoding{Layout::records, 2}};

}  // namespace

std::span<const Encoding> encodings(Layout layout) {
  if (layout == Layout::tiles) return kTiles;
  return kRecords;
}

std::optional<Encoding> encoding_named(Layout layout, std::string_view name) {
  for (const Encoding& e : encodings(layout)) {
    if (name_of(e) == name) return e;
  }
  return std::nullopt;
}

Format format_of(const Encoding& e) {
  if (e == kTiles[0]) return Format::q8;
  if (e == kTiles[1]) return Format::q4;
  fail(ErrorKind::internal, "{} in records is not a format of matrices", name_of(e));
}

std::string name_of(const Encoding& e) { return fmt::format("q{}", e.bits); }

std::string suffix_of(const Encoding& e) {
  return fmt::format("{}_q{}", e.layout == Layout::tiles ? "" : "_rows", e.bits);
}

std::vector<std::int64_t> stored_shape(const Encoding& e, std::int64_t rows, std::int64_t cols) {
  if (e.layout == Layout::records) return {RecordFormat{e.bits, cols}.pages(rows), kPageBytes};
  const auto shape = tiled_shape(format_of(e), rows, cols);
  return {shape.begin(), shape.end()};
}

}  // namespace nestor::quant
