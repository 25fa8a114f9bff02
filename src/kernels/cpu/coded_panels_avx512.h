// Products of codes with many activations: tiles are unpacked once, to a panel in the first cache, and passes
// over the activations read it there. Over coded_blocks_avx512.h, which comes before this file.
#pragma once

namespace {

// The unpacked tiles of some blocks of two bands. Of a block: the codes, 16 scales, 16 times
// -kMagic * scale.
constexpr int64_t kPanelScales = kBandRows * kTileDepth;
constexpr int64_t kPanelBytes = kPanelScales + 128;
constexpr int64_t kPanelBlocks = 8;

struct Panel {
  alignas(64) uint8_t at[2][kPanelBlocks * kPanelBytes];
  const uint8_t* tiles[2];  // of the first block
  int64_t first, blocks;
};

// Weights of a step that are in the panel ...
struct FromPanel {
  const uint8_t* panel;
  inline void step(int q, __m512i* low, __m512i* high) const {
    *low = _mm512_load_si512(panel + 64 * q);
    *high = _mm512_load_si512(panel + 64 * (q + kSteps));
  }
  inline void scales(Vec* scale, Vec* back) const {
    *scale = _mm512_load_ps(panel + kPanelScales);
    *back = _mm512_load_ps(panel + kPanelScales + 64);
  }
  inline void advance() { panel += kPanelBytes; }
};

// ... or come from the tile, and are left in the panel for the passes that follow: stores beside arithmetic
// cost next to nothing.
template <typename Codes>
struct ThroughPanel {
  FromTile<Codes> tile;
  uint8_t* panel;
  inline void step(int q, __m512i* low, __m512i* high) const {
    tile.step(q, low, high);
    _mm512_store_si512(panel + 64 * q, *low);
    _mm512_store_si512(panel + 64 * (q + kSteps), *high);
  }
  inline void scales(Vec* scale, Vec* back) const {
    tile.scales(scale, back);
    _mm512_store_ps((float*)(panel + kPanelScales), *scale);
    _mm512_store_ps((float*)(panel + kPanelScales + 64), *back);
  }
  inline void advance() {
    tile.advance();
    panel += kPanelBytes;
  }
};

// Activations that meet a panel; their sums wait in the first cache for the next one.
constexpr int64_t kPanelRows = 128;

struct PanelSums {
  alignas(64) float at[kPanelRows][2][kBandRows];
};

// What is fetched beside the arithmetic: the tiles that the next panel comes from, evenly over the blocks of
// the first half of the passes, and in the last passes the lines of y that the sums will go to.
struct Ahead {
  const uint8_t* bands[2];
  int64_t done, bytes;  // of each band
  int64_t share;        // of a block of a pass
  const float* y;       // or nullptr
  int64_t y_stride;

  inline void fetch() {
    const int64_t end = bytes - done < share ? bytes : done + share;
    for (; done < end; done += 64) {
      for (int64_t j = 0; j < 2; ++j) _mm_prefetch((const char*)(bands[j] + done), _MM_HINT_T0);
    }
  }
  inline void fetch_y(int64_t row) const {
    if (y == nullptr) return;
    for (int64_t j = 0; j < 2; ++j)
      _mm_prefetch((const char*)(y + row * y_stride + j * kBandRows), _MM_HINT_T0);
  }
};

// Activations [t_begin, t_end), at most kPanelRows and from the start of a group, and two bands (or one, as
// the second then counts twice and is not stored). Passes says what a panel holds and how activations meet
// it.
template <typename Passes>
inline void panel_bands(const MatmulCodedArgs& a, int64_t t_begin, int64_t t_end, int64_t band, int64_t bands,
                        int64_t n_begin, int64_t n_end) {
  Panel panel;
  PanelSums sums;
  for (int64_t j = 0; j < 2; ++j) panel.tiles[j] = a.w.data + (band + (j < bands ? j : 0)) * a.w.row_bytes;
  for (panel.first = 0; panel.first < a.x.blocks; panel.first += kPanelBlocks) {
    const int64_t left = a.x.blocks - panel.first;
    panel.blocks = left < kPanelBlocks ? left : kPanelBlocks;
    Ahead ahead{};
    ahead.bytes = panel.blocks * Passes::kTileBytes;
    const int64_t calls = (t_end - t_begin + 15) / 16 * panel.blocks;
    ahead.share = (ahead.bytes / 64 + calls - 1) / calls * 64;
    // Behind the last block of these bands come the next two, if there are more.
    const int64_t next = left > kPanelBlocks ? ahead.bytes : ahead.bytes + a.w.row_bytes;
    for (int64_t j = 0; j < 2; ++j) ahead.bands[j] = panel.tiles[j] + next;
    if (left <= kPanelBlocks) ahead.y = a.y + t_begin * a.y_stride + band * kBandRows - a.w.first_row;
    ahead.y_stride = a.y_stride;
    Passes::run(panel, a.x, t_begin, t_end, ahead, sums);
    for (int64_t j = 0; j < 2; ++j) panel.tiles[j] += ahead.bytes;
  }
  for (int64_t t = t_begin; t < t_end; ++t) {
    for (int64_t j = 0; j < bands; ++j) {
      store_lanes(a.y + t * a.y_stride, _mm512_load_ps(sums.at[t - t_begin][j]),
                  (band + j) * kBandRows - a.w.first_row, n_begin, n_end);
    }
  }
}

// Activations [0, rows).
template <typename Passes>
void panel_product(const MatmulCodedArgs& a, int64_t rows, int64_t n_begin, int64_t n_end) {
  const int64_t end = (a.w.first_row + n_end + kBandRows - 1) / kBandRows;
  for (int64_t t = 0; t < rows; t += kPanelRows) {
    const int64_t t_end = t + kPanelRows < rows ? t + kPanelRows : rows;
    for (int64_t band = (a.w.first_row + n_begin) / kBandRows; band < end; band += 2)
      panel_bands<Passes>(a, t, t_end, band, end - band < 2 ? 1 : 2, n_begin, n_end);
  }
}

// Fewer activations do not pay for a panel.
constexpr int64_t kStreamedRows = 8;

// Eight activations at a time, of which the first fill the panel, and what is left; more than kStreamedRows.
template <typename Codes>
struct VectorPasses {
  static constexpr int64_t kTileBytes = Codes::kBytes;

  static inline void run(Panel& panel, const EncodedRows& x, int64_t t_begin, int64_t t_end, Ahead& ahead,
                         PanelSums& sums) {
    ThroughPanel<Codes> through[2];
    FromPanel from[2];
    for (int j = 0; j < 2; ++j) {
      through[j] = {{panel.tiles[j]}, panel.at[j]};
      from[j] = {panel.at[j]};
    }
    rows<8>(through, panel, x, t_begin, ahead, 0, sums);
    int64_t t = t_begin + 8;
    const auto pass = [&]<int kRows>() {
      rows<kRows>(from, panel, x, t, ahead, t - t_begin, sums);
      t += kRows;
    };
    while (t + 8 <= t_end) pass.template operator()<8>();
    const int64_t left = t_end - t;
    if (left == 1) pass.template operator()<1>();
    if (left == 2) pass.template operator()<2>();
    if (left == 3) pass.template operator()<3>();
    if (left == 4) pass.template operator()<4>();
    if (left == 5) pass.template operator()<5>();
    if (left == 6) pass.template operator()<6>();
    if (left == 7) pass.template operator()<7>();
  }

  // kRows activations of one group from t on, whose sums begin with the one numbered `first`.
  template <int kRows, typename From>
  static inline void rows(const From* weights, const Panel& panel, const EncodedRows& e, int64_t t,
                          Ahead& ahead, int64_t first, PanelSums& sums_at) {
    From w[2] = {weights[0], weights[1]};
    Activations x = activations_at<Codes>(e, t, panel.first);
    Vec sums[kRows][2];
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < 2; ++j)
        sums[i][j] = panel.first == 0 ? vec_zero() : _mm512_load_ps(sums_at.at[first + i][j]);
      ahead.fetch_y(first + i);
    }
    for (int64_t b = 0; b < panel.blocks; ++b, x.advance()) {
      ahead.fetch();
      add_block<Codes, kRows, 2>(w, x, sums);
      w[0].advance();
      w[1].advance();
    }
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < 2; ++j) _mm512_store_ps(sums_at.at[first + i][j], sums[i][j]);
    }
  }
};

}  // namespace
