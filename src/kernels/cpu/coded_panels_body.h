// Products of codes with many activations: tiles are unpacked once, to a panel in the first cache, and passes
// over the activations (coded_passes_*.h, coded_body_amx.h) read it there. Over the coded_blocks_*.h before
// this file.
#pragma once

namespace {

using nestor::kernels::kFewRows;

// Of a block in a panel: the codes, 16 scales, 16 times -kMagic * scale.
constexpr int64_t kPanelScales = kBandRows * kTileDepth;
constexpr int64_t kPanelBytes = kPanelScales + 128;

// Where the sums of a pass come from and go to, 16 numbers of each activation.
struct SumRows {
  const float* from;
  int64_t from_stride;
  float* to;
  int64_t to_stride;
};

// Where fresh sums come from, with a stride of 0.
alignas(64) constexpr float kNoSums[kBandRows] = {};

// What one call of passes works on: activations [t_begin, t_end) from the start of a group, and `bands` bands
// from `band` on, of which columns [n_begin, n_end) of y are asked for.
struct PanelRange {
  int64_t t_begin, t_end;
  int64_t band, bands;
  int64_t n_begin, n_end;

  inline int64_t rows() const { return t_end - t_begin; }
  inline int64_t column(const MatmulCodedArgs& a) const { return band * kBandRows - a.w.first_row; }
  inline bool whole(const MatmulCodedArgs& a) const {
    return column(a) >= n_begin && column(a) + bands * kBandRows <= n_end;
  }
};

// Panels of at most kBands bands and kBlocks blocks that at most kActivations meet, and what belongs to them.
template <int64_t kBandsOf, int64_t kBlocksOf, int64_t kActivationsOf>
struct PanelShape {
  static constexpr int64_t kBands = kBandsOf, kBlocks = kBlocksOf, kActivations = kActivationsOf;

  // The unpacked tiles of some blocks.
  struct Panel {
    alignas(64) uint8_t at[kBands][kBlocks * kPanelBytes];
    const uint8_t* tiles[kBands];  // of the first block
    int64_t first, blocks;

    inline bool is_last(const EncodedRows& x) const { return first + blocks == x.blocks; }
  };

  // Sums of activations, which wait in the first cache for the next panel.
  struct Sums {
    alignas(64) float at[kActivations][kBands][kBandRows];
  };

  // What is fetched beside the arithmetic: the tiles that the next panel comes from, over the blocks of the
  // first passes, and in the last panel the lines of y that the sums will go to. Instructions count, so there
  // is one line for each block without a question, the same one when all is fetched.
  struct Ahead {
    const uint8_t* bands[kBands];
    int64_t left, share;  // bytes of each band, and those for a block
    int64_t step;         // of this pass
    const float* y;       // or nullptr
    int64_t y_stride;

    inline void begin_pass(int64_t blocks) {
      step = left > 0 ? share : 0;
      left -= step * blocks;
    }
    inline void fetch() {
      for (int64_t j = 0; j < kBands; ++j) {
        const char* at = (const char*)bands[j];
        _mm_prefetch(at, _MM_HINT_T0);
        for (int64_t line = 64; line < step; line += 64) _mm_prefetch(at + line, _MM_HINT_T0);
        bands[j] += step;
      }
    }
    inline void fetch_y(int64_t begin, int64_t end) const {
      if (y == nullptr) return;
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t j = 0; j < kBands; ++j)
          _mm_prefetch((const char*)(y + row * y_stride + j * kBandRows), _MM_HINT_T0);
      }
    }
  };

  static inline Ahead ahead_of(const MatmulCodedArgs& a, const PanelRange& r, const Panel& panel,
                               int64_t tile_bytes) {
    Ahead ahead{};
    ahead.left = panel.blocks * tile_bytes;
    const int64_t steps = (r.rows() + kRowGroup - 1) / kRowGroup * panel.blocks;
    ahead.share = (ahead.left + 64 * steps - 1) / (64 * steps) * 64;
    // Behind the last block of these bands come the next ones, if there are more.
    const int64_t next = ahead.left + (panel.is_last(a.x) ? (kBands - 1) * a.w.row_bytes : 0);
    for (int64_t j = 0; j < kBands; ++j) ahead.bands[j] = panel.tiles[j] + next;
    if (panel.is_last(a.x)) ahead.y = a.y + r.t_begin * a.y_stride + r.column(a);
    ahead.y_stride = a.y_stride;
    return ahead;
  }

  // Sums to y.
  static inline void put(const MatmulCodedArgs& a, const PanelRange& r, const Sums& sums) {
    for (int64_t t = r.t_begin; t < r.t_end; ++t) {
      for (int64_t j = 0; j < r.bands; ++j) {
        const int64_t n = r.column(a) + j * kBandRows;
        for (int64_t lane = 0; lane < kBandRows; lane += kLanes)
          store_lanes(a.y + t * a.y_stride, vec_load(sums.at[t - r.t_begin][j] + lane), n + lane, r.n_begin,
                      r.n_end);
      }
    }
  }
};

// One range. Passes is a PanelShape, and says what a panel holds and how activations meet it; its last run
// brings the sums to y. Bands that are missing are the first once more.
template <typename Passes>
inline void panel_bands(const MatmulCodedArgs& a, const PanelRange& r) {
  typename Passes::Panel panel;
  typename Passes::Sums sums;
  for (int64_t j = 0; j < Passes::kBands; ++j)
    panel.tiles[j] = a.w.data + (r.band + (j < r.bands ? j : 0)) * a.w.row_bytes;
  const int64_t panels = (a.x.blocks + Passes::kBlocks - 1) / Passes::kBlocks;
  const int64_t even = (a.x.blocks + panels - 1) / panels;
  for (panel.first = 0; panel.first < a.x.blocks; panel.first += even) {
    const int64_t left = a.x.blocks - panel.first;
    panel.blocks = left < even ? left : even;
    typename Passes::Ahead ahead = Passes::ahead_of(a, r, panel, Passes::kTileBytes);
    Passes::run(a, r, panel, ahead, sums);
    for (int64_t j = 0; j < Passes::kBands; ++j) panel.tiles[j] += panel.blocks * Passes::kTileBytes;
  }
}

// Activations [0, rows).
template <typename Passes>
void panel_product(const MatmulCodedArgs& a, int64_t rows, int64_t n_begin, int64_t n_end) {
  const int64_t end = (a.w.first_row + n_end + kBandRows - 1) / kBandRows;
  for (int64_t t = 0; t < rows; t += Passes::kActivations) {
    const int64_t t_end = t + Passes::kActivations < rows ? t + Passes::kActivations : rows;
    for (int64_t band = (a.w.first_row + n_begin) / kBandRows; band < end; band += Passes::kBands) {
      const int64_t bands = end - band < Passes::kBands ? end - band : Passes::kBands;
      panel_bands<Passes>(a, {t, t_end, band, bands, n_begin, n_end});
    }
  }
}

}  // namespace
