#include "convert/random_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/random.h"
#include "convert/random_tensor.h"
#include "quant/format.h"
#include "quant/record.h"

namespace nestor::convert {
namespace {

// 4096 units of 512 values: two million random values for a pool.
constexpr std::uint64_t kUnits = 4096;
constexpr std::int64_t kUnitsAtOnce = 1 << 16;

bool is_tiles(const TargetTensor& t) { return t.encoding->layout == quant::Encoding::Layout::tiles; }

// Which unit of a pool every place of a tensor gets.
class Draw {
 public:
  explicit Draw(std::uint64_t key) : key_(key) {}
  std::uint64_t operator()(std::uint64_t place) {
    if (place / 8 != block_) {
      block_ = place / 8;
      const auto words = philox(key_, block_, 1);
      std::memcpy(drawn_.data(), words.data(), sizeof drawn_);
    }
    return drawn_[place % 8] % kUnits;
  }

 private:
  std::uint64_t key_;
  std::uint64_t block_ = ~std::uint64_t{0};
  std::array<std::uint16_t, 8> drawn_{};
};

}  // namespace

bool RandomEncoder::takes(const TargetTensor& t) {
  if (!t.encoding) return false;
  if (!is_tiles(t))
    return quant::RecordFormat{t.encoding->bits, t.info.shape[1]}.bytes() <= quant::kPageBytes;
  return t.info.shape[0] % quant::kBandRows == 0 && t.info.shape[1] % quant::kTileDepth == 0;
}

const RandomEncoder::Pool& RandomEncoder::pool_for(const TargetTensor& t) {
  const std::int64_t cols = t.info.shape[1];
  // Whoever asks first, the pool is the same: a file that is written anew must not depend on those before it.
  const std::string kind = fmt::format("{} of {} columns, {}", quant::suffix_of(*t.encoding), cols,
                                       RandomTensor::distribution_of(t.info));
  const auto [found, is_new] = pools_.try_emplace(kind);
  Pool& pool = found->second;
  if (!is_new) return pool;
  // Values as the tensor itself would have them, in a matrix of as many units.
  const RandomTensor values(seed_, t.info, kind);
  TargetTensor sample = t;
  const std::int64_t width = is_tiles(t) ? quant::kTileDepth : cols;
  sample.info.shape[0] = static_cast<std::int64_t>(kUnits) * (is_tiles(t) ? quant::kBandRows : 1);
  sample.info.shape[1] = width;
  sample.stored.shape = quant::stored_shape(*t.encoding, sample.info.shape[0], width);
  std::vector<std::byte> bytes;
  encoder_.encode(
      sample, {},
      [&](std::int64_t row, float* out) {
        std::vector<float> drawn(static_cast<std::size_t>(width + width % 2));
        values.fill(row * std::ssize(drawn), drawn);
        std::copy_n(drawn.begin(), width, out);
      },
      [&](std::span<const std::byte> part) { bytes.insert(bytes.end(), part.begin(), part.end()); });
  if (is_tiles(t)) {
    pool.unit_bytes = sample.stored.shape[2];
    pool.units = std::move(bytes);
    return pool;
  }
  const quant::RecordFormat record{t.encoding->bits, cols};
  pool.unit_bytes = record.bytes();
  for (std::uint64_t i = 0; i < kUnits; ++i) {
    const auto at = bytes.begin() + record.offset(static_cast<std::int64_t>(i));
    pool.units.insert(pool.units.end(), at, at + record.bytes());
  }
  return pool;
}

void RandomEncoder::encode(const TargetTensor& t, const TensorEncoder::Sink& sink) {
  const Pool& pool = pool_for(t);
  const quant::RecordFormat record{t.encoding->bits, t.info.shape[1]};
  const std::int64_t places = is_tiles(t)
                                  ? t.info.shape[0] / quant::kBandRows * (t.info.shape[1] / quant::kTileDepth)
                                  : t.info.shape[0];
  const auto offset = [&](std::int64_t place) {
    return is_tiles(t) ? place * pool.unit_bytes : record.offset(place);
  };
  // Pieces of whole pages, so that the offset of a record in its piece is that in a table.
  const std::int64_t per_page = std::max<std::int64_t>(quant::kPageBytes / pool.unit_bytes, 1);
  const std::int64_t at_once = kUnitsAtOnce / per_page * per_page;
  const auto unit = static_cast<std::size_t>(pool.unit_bytes);
  Draw draw(RandomTensor::key_of(seed_, t.info));
  std::uint64_t left = t.stored.bytes();
  std::vector<std::byte> piece;
  for (std::int64_t first = 0; first < places; first += at_once) {
    const std::int64_t count = std::min(at_once, places - first);
    const auto size = first + count == places ? left : static_cast<std::uint64_t>(offset(count));
    piece.assign(size, std::byte{0});
    for (std::int64_t i = 0; i < count; ++i) {
      const std::byte* from = pool.units.data() + draw(static_cast<std::uint64_t>(first + i)) * unit;
      std::memcpy(piece.data() + offset(i), from, unit);
    }
    sink(piece);
    left -= size;
  }
}

}  // namespace nestor::convert
