#include "train/tables/row_format.h"

#include "base/error.h"

namespace nestor::train {
namespace {

constexpr std::size_t kPage = 4096;
// Records up to this size are kept from crossing a page; the gap at its end is then at most an eighth.
constexpr std::size_t kLargestInPage = 512;
constexpr std::int64_t kWidest = 1 << 20;

}  // namespace

RowFormat row_format(std::int64_t width, const recipe::TableOptimizer& optimizer) {
  using Kind = recipe::TableOptimizer::Kind;
  using Numbers = recipe::TableOptimizer::Numbers;
  if (width < 1 || width > kWidest) {
    fail(ErrorKind::usage, "a table's width must be 1 to {}, found {}", kWidest, width);
  }
  RowFormat format;
  format.width = width;
  format.numbers = optimizer.numbers;
  const bool momentum = optimizer.kind != Kind::row_adagrad && optimizer.beta1 > 0;
  format.first = momentum ? RowFormat::Moment::element : RowFormat::Moment::none;
  format.second = optimizer.kind == Kind::adam ? RowFormat::Moment::element : RowFormat::Moment::row;
  const std::size_t vector = static_cast<std::size_t>(width) * (optimizer.numbers == Numbers::f32 ? 4 : 2);
  format.first_at = kValuesAt + vector;
  format.second_at = format.first_at + (momentum ? vector : 0);
  const std::size_t end = format.second_at + (format.second == RowFormat::Moment::element ? vector : 0);
  format.record = (end + 7) / 8 * 8;
  const bool packed = format.record <= kLargestInPage;
  format.group = packed ? static_cast<std::int64_t>(kPage / format.record) : 1;
  format.group_bytes = packed ? kPage : format.record;
  return format;
}

std::uint64_t RowFormat::bytes(std::int64_t rows) const {
  const std::uint64_t groups = (static_cast<std::uint64_t>(rows) + static_cast<std::uint64_t>(group) - 1) /
                               static_cast<std::uint64_t>(group);
  return groups * group_bytes;
}

}  // namespace nestor::train
