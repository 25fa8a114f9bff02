// Products of codes with many activations: tiles are unpacked once, to a panel in the first cache, and passes
// over the activations read it there. Over the coded_blocks_*.h before this file, which say how many bands a
// panel has.
#pragma once

namespace {

using nestor::kernels::kFewRows;

// The unpacked tiles of some blocks. Of a block: the codes, 16 scales, 16 times -kMagic * scale.
constexpr int64_t kPanelScales = kBandRows * kTileDepth;
constexpr int64_t kPanelBytes = kPanelScales + 128;
constexpr int64_t kPanelBlocks = 8;

struct Panel {
  alignas(64) uint8_t at[kPanelBands][kPanelBlocks * kPanelBytes];
  const uint8_t* tiles[kPanelBands];  // of the first block
  int64_t first, blocks;
};

// Activations that meet a panel; their sums wait in the first cache for the next one.
constexpr int64_t kPanelRows = 128;

struct PanelSums {
  alignas(64) float at[kPanelRows][kPanelBands][kBandRows];
};

// What is fetched beside the arithmetic: the tiles that the next panel comes from, evenly over the blocks of
// the first half of the passes, and in the last passes the lines of y that the sums will go to.
struct Ahead {
  const uint8_t* bands[kPanelBands];
  int64_t done, bytes;  // of each band
  int64_t share;        // of a block of a pass
  const float* y;       // or nullptr
  int64_t y_stride;

  inline void fetch() {
    const int64_t end = bytes - done < share ? bytes : done + share;
    for (; done < end; done += 64) {
      for (int64_t j = 0; j < kPanelBands; ++j) _mm_prefetch((const char*)(bands[j] + done), _MM_HINT_T0);
    }
  }
  inline void fetch_y(int64_t row) const {
    if (y == nullptr) return;
    for (int64_t j = 0; j < kPanelBands; ++j)
      _mm_prefetch((const char*)(y + row * y_stride + j * kBandRows), _MM_HINT_T0);
  }
};

// Activations [t_begin, t_end), at most kPanelRows and from the start of a group, and up to kPanelBands bands
// (those that are missing are the first once more, and are not stored). Passes says what a panel holds and
// how activations meet it.
template <typename Passes>
inline void panel_bands(const MatmulCodedArgs& a, int64_t t_begin, int64_t t_end, int64_t band, int64_t bands,
                        int64_t n_begin, int64_t n_end) {
  Panel panel;
  PanelSums sums;
  for (int64_t j = 0; j < kPanelBands; ++j)
    panel.tiles[j] = a.w.data + (band + (j < bands ? j : 0)) * a.w.row_bytes;
  for (panel.first = 0; panel.first < a.x.blocks; panel.first += kPanelBlocks) {
    const int64_t left = a.x.blocks - panel.first;
    panel.blocks = left < kPanelBlocks ? left : kPanelBlocks;
    Ahead ahead{};
    ahead.bytes = panel.blocks * Passes::kTileBytes;
    const int64_t calls = (t_end - t_begin + 15) / 16 * panel.blocks;
    ahead.share = (ahead.bytes / 64 + calls - 1) / calls * 64;
    // Behind the last block of these bands come the next ones, if there are more.
    const int64_t next = ahead.bytes + (left > kPanelBlocks ? 0 : (kPanelBands - 1) * a.w.row_bytes);
    for (int64_t j = 0; j < kPanelBands; ++j) ahead.bands[j] = panel.tiles[j] + next;
    if (left <= kPanelBlocks) ahead.y = a.y + t_begin * a.y_stride + band * kBandRows - a.w.first_row;
    ahead.y_stride = a.y_stride;
    Passes::run(panel, a.x, t_begin, t_end, ahead, sums);
    for (int64_t j = 0; j < kPanelBands; ++j) panel.tiles[j] += ahead.bytes;
  }
  for (int64_t t = t_begin; t < t_end; ++t) {
    for (int64_t j = 0; j < bands; ++j) {
      const int64_t n = (band + j) * kBandRows - a.w.first_row;
      for (int64_t lane = 0; lane < kBandRows; lane += kLanes)
        store_lanes(a.y + t * a.y_stride, vec_load(sums.at[t - t_begin][j] + lane), n + lane, n_begin, n_end);
    }
  }
}

// Activations [0, rows).
template <typename Passes>
void panel_product(const MatmulCodedArgs& a, int64_t rows, int64_t n_begin, int64_t n_end) {
  const int64_t end = (a.w.first_row + n_end + kBandRows - 1) / kBandRows;
  for (int64_t t = 0; t < rows; t += kPanelRows) {
    const int64_t t_end = t + kPanelRows < rows ? t + kPanelRows : rows;
    for (int64_t band = (a.w.first_row + n_begin) / kBandRows; band < end; band += kPanelBands)
      panel_bands<Passes>(a, t, t_end, band, end - band < kPanelBands ? end - band : kPanelBands, n_begin,
                          n_end);
  }
}

}  // namespace
