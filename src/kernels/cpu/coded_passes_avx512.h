// Passes of AVX-512 over a panel (coded_panels_body.h).
#pragma once

namespace {

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

// Eight activations at a time, of which the first fill the panel, and what is left; more than kFewRows.
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
    Activations x = activations_at(e, Codes::starts(e), t, panel.first);
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
