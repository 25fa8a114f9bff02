// Passes of AVX-512 over a panel (coded_panels_body.h).
#pragma once

namespace {

// Weights of a step that are in the panel ...
struct FromPanel {
  static constexpr int kRowStep = 1;  // of the numbers of activations in a pass
  const uint8_t* panel;
  static constexpr int first(int q) { return 2 * q; }
  static constexpr int second(int q) { return 2 * q + 1; }
  inline void step(int q, __m512i* one, __m512i* two) const {
    *one = _mm512_load_si512(panel + 64 * first(q));
    *two = _mm512_load_si512(panel + 64 * second(q));
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
  static constexpr int kRowStep = kRowGroup / 2;
  FromTile<Codes> tile;
  uint8_t* panel;
  static constexpr int first(int q) { return Codes::first(q); }
  static constexpr int second(int q) { return Codes::second(q); }
  inline void step(int q, __m512i* one, __m512i* two) const {
    tile.step(q, one, two);
    _mm512_store_si512(panel + 64 * first(q), *one);
    _mm512_store_si512(panel + 64 * second(q), *two);
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

// One band and a group of activations at a time: 16 whole-number sums, which one register of weights serves.
// Every other shape loads more, or has more instructions, for each dot product; where two threads share a
// core, both run short. More than kFewRows.
template <typename Codes>
struct VectorPasses : PanelShape<1, 16, 256> {
  static constexpr int64_t kTileBytes = Codes::kBytes;

  static inline void run(const MatmulCodedArgs& a, const PanelRange& r, Panel& panel, Ahead& ahead,
                         Sums& sums) {
    const bool to_y = panel.is_last(a.x) && r.whole(a);
    const auto pass = [&](int64_t t, int64_t count, const auto& weights) {
      ahead.begin_pass(panel.blocks);
      float* own = sums.at[t - r.t_begin][0];
      SumRows at = {own, kBandRows, own, kBandRows};
      if (panel.first == 0) at = {kNoSums, 0, own, kBandRows};
      if (to_y) {
        at.to = a.y + t * a.y_stride + r.column(a);
        at.to_stride = a.y_stride;
      }
      const Activations x = activations_at(a.x, Codes::starts(a.x), t, panel.first);
      rows_of<kRowGroup>(count, weights, x, panel.blocks, ahead, at);
    };
    // The first activations fill the panel.
    const int64_t filling = r.rows() < kRowGroup ? kRowGroup / 2 : kRowGroup;
    const ThroughPanel<Codes> through = {{panel.tiles[0]}, panel.at[0]};
    pass(r.t_begin, filling, through);
    const FromPanel from = {panel.at[0]};
    for (int64_t t = r.t_begin + filling; t < r.t_end; t += kRowGroup)
      pass(t, r.t_end - t < kRowGroup ? r.t_end - t : kRowGroup, from);
    if (panel.is_last(a.x) && !to_y) put(a, r, sums);
  }

  // At most kRowGroup activations of one group, over the first `blocks` blocks of a panel that is full.
  static inline void from_panel(const uint8_t* panel, const Activations& x, int64_t count, int64_t blocks,
                                const SumRows& at) {
    Ahead nothing{};
    nothing.bands[0] = panel;
    rows_of<kRowGroup>(count, FromPanel{panel}, x, blocks, nothing, at);
  }

  template <int kRows, typename From>
  static inline void rows_of(int64_t count, const From& weights, const Activations& x, int64_t blocks,
                             Ahead& ahead, const SumRows& at) {
    if (count == kRows) return rows<kRows>(weights, x, blocks, ahead, at);
    if constexpr (kRows > From::kRowStep)
      rows_of<kRows - From::kRowStep>(count, weights, x, blocks, ahead, at);
  }

  // kRows activations of one group, `blocks` blocks. Not inlined: g++ 12 then runs out of registers. What is
  // copied here field by field would be copied 32 bytes at a time for a call, and loading those waits until
  // all fields have left for the cache.
  template <int kRows, typename From>
  static __attribute__((noinline)) void rows(const From& weights_of_all, const Activations& first,
                                             int64_t blocks, Ahead& ahead_of_all, const SumRows& at) {
    constexpr int kChains = kRows <= kFewRows ? 2 : 1;
    From weights = weights_of_all;
    Activations x = first;
    Ahead ahead = ahead_of_all;
    Vec sums[kRows][1];
    // Unrolled at once, as g++ 12 keeps what was copied by a loop in memory.
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) sums[i][0] = vec_load(at.from + i * at.from_stride);
    // One after the other, as all at once they wait for each other.
    for (int64_t i = blocks; i < kRows; ++i)
      _mm_prefetch((const char*)(at.to + i * at.to_stride), _MM_HINT_T0);
    const float* line = at.to;
    for (int64_t b = 0; b < blocks; ++b, x.advance()) {
      ahead.fetch();
      _mm_prefetch((const char*)line, _MM_HINT_T0);
      line += at.to_stride;
      add_block<Codes, kRows, 1, kChains>(&weights, x, sums);
      weights.advance();
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) vec_store(at.to + i * at.to_stride, sums[i][0]);
    ahead_of_all.bands[0] = ahead.bands[0];
  }
};

}  // namespace
