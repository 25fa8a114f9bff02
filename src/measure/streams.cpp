#include "measure/streams.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "measure/memory_read.h"
#include "measure/stopwatch.h"
#include "quant/matrix.h"
#include "quant/tile.h"

namespace nestor::measure {
namespace {

using kernels::Format;
using kernels::Reading;

constexpr std::int64_t kColumns = 3072;
constexpr std::int64_t kBlocks = kColumns / quant::kTileDepth;
constexpr std::int64_t kFew = 4;  // rows that stand for all small numbers
constexpr std::int64_t kTileBytes = 1 << 20;
constexpr std::size_t kTimes = 5;
// A way that is faster by less than this is not worth another result tomorrow.
constexpr double kWorthChange = 0.98;

// Tiles of one measurement: enough for a millisecond, and several for each worker.
std::int64_t tiles_of(int threads) { return std::max(4, 2 * threads); }

// So much that what was read last has left the caches when it is read again.
std::size_t beyond_caches(int threads) {
  const long cache = std::max(::sysconf(_SC_LEVEL3_CACHE_SIZE), 0L);
  const auto once = static_cast<std::size_t>(tiles_of(threads) * kTileBytes);
  const auto cached = std::min(static_cast<std::size_t>(cache), std::size_t{128} << 20);
  constexpr std::size_t kPage = std::size_t{2} << 20;
  return (2 * once + 2 * cached + kPage - 1) / kPage * kPage;
}

class Trial {
 public:
  Trial(const kernels::OpTable& ops, kernels::Team& team)
      : ops_(ops),
        team_(team),
        memory_(beyond_caches(team.threads())),
        x_(static_cast<std::size_t>(kFew * kColumns), 0.01F),
        codes_(static_cast<std::size_t>(kFew * kColumns), 1),
        starts_(static_cast<std::size_t>(kFew * kBlocks), 0),
        rounded_(static_cast<std::size_t>(kFew * kColumns), 0x3C00) {}

  const Reading& fastest(Format format, std::int64_t rows) {
    const auto all = readings(format, rows);
    std::vector<std::array<double, kTimes>> times(all.size());
    seconds(format, rows, all[0]);  // wakes the team
    for (std::size_t round = 0; round < kTimes; ++round) {
      for (std::size_t i = 0; i < all.size(); ++i) times[i][round] = seconds(format, rows, all[i]);
    }
    // By the middle one: the least favours what is fast now and then.
    for (auto& own : times) std::ranges::sort(own);
    const auto middle = [](const auto& own) { return own[kTimes / 2]; };
    const auto least = std::ranges::min_element(times, {}, middle);
    const bool better = middle(*least) < kWorthChange * middle(times[0]);
    const auto& best = better ? *least : times[0];
    constexpr double kAgree = 1.15;
    for (const auto& own : {best, times[0]}) steady_ = steady_ && middle(own) < kAgree * own[0];
    return all[better ? static_cast<std::size_t>(least - times.begin()) : 0];
  }

  bool steady() const { return steady_; }

 private:
  // A matrix of whole bands that begins at a place of the memory.
  quant::MatrixView matrix_at(std::size_t place, Format format) const {
    const std::int64_t row_bytes = quant::is_tiled(format)
                                       ? kBlocks * quant::tile_bytes(format) / quant::kBandRows
                                       : kColumns * quant::element_bytes(format);
    const std::int64_t rows = kTileBytes / row_bytes / quant::kBandRows * quant::kBandRows;
    return quant::matrix_view(memory_.data() + place, format, rows, kColumns, &x_[0]);
  }

  double seconds(Format format, std::int64_t rows, const Reading& reading) {
    const std::int64_t tiles = tiles_of(team_.threads());
    const std::int64_t outputs = matrix_at(0, format).rows;
    y_.resize(static_cast<std::size_t>(tiles * rows * outputs));
    const std::size_t from = next_;
    next_ += static_cast<std::size_t>(tiles * kTileBytes);
    if (next_ + static_cast<std::size_t>(tiles * kTileBytes) > memory_.bytes()) next_ = 0;
    const auto start = Clock::now();
    team_.run(tiles, [&](std::int64_t tile, int) {
      const quant::MatrixView w = matrix_at(from + static_cast<std::size_t>(tile * kTileBytes), format);
      float* y = y_.data() + tile * rows * outputs;
      if (quant::is_tiled(format) && ops_.matmul_coded != nullptr) {
        const kernels::EncodedRows x{codes_.data(), x_.data(), starts_.data(), starts_.data(), rows, kBlocks};
        ops_.matmul_coded({x, w, y, outputs, reading}, 0, outputs);
      } else if (format == Format::bf16 && ops_.matmul_rounded != nullptr) {
        ops_.matmul_rounded({rounded_.data(), kColumns, rows, w, y, outputs, reading}, 0, outputs);
      } else {
        ops_.matmul({x_.data(), kColumns, rows, w, y, outputs, reading}, 0, outputs);
      }
    });
    return seconds_since(start);
  }

  const kernels::OpTable& ops_;
  kernels::Team& team_;
  Memory memory_;
  std::vector<float> x_;
  std::vector<std::int8_t> codes_;
  std::vector<std::int32_t> starts_;
  std::vector<std::uint16_t> rounded_;
  std::vector<float> y_;
  std::size_t next_ = 0;
  bool steady_ = true;
};

}  // namespace

std::span<const Reading> readings(Format format, std::int64_t rows) {
  static constexpr std::array<Reading, 8> kOneCoded = {
      {{3, 4608}, {1, 0}, {1, 1024}, {1, 4608}, {1, 12288}, {2, 0}, {3, 0}, {3, 1024}}};
  static constexpr std::array<Reading, 6> kFewCoded = {
      {{3, 4608}, {1, 0}, {1, 1024}, {1, 2048}, {1, 4608}, {2, 0}}};
  static constexpr std::array<Reading, 8> kOneFloat = {
      {{6, 4608}, {1, 0}, {1, 1024}, {2, 0}, {4, 0}, {4, 4608}, {6, 0}, {6, 1024}}};
  static constexpr std::array<Reading, 2> kFewFloat = {{{6, 4608}, {6, 0}}};
  if (quant::is_tiled(format)) {
    if (rows == 1) return kOneCoded;
    return kFewCoded;
  }
  if (rows == 1) return kOneFloat;
  return kFewFloat;
}

FoundStreams fastest_streams(const kernels::OpTable& ops, kernels::Team& team,
                             std::span<const Format> formats) {
  FoundStreams found;
  if (formats.empty()) return found;
  Trial trial(ops, team);
  for (const Format format : formats) {
    found.streams.one(format) = trial.fastest(format, 1);
    found.streams.few(format) = trial.fastest(format, kFew);
  }
  found.steady = trial.steady();
  return found;
}

}  // namespace nestor::measure
