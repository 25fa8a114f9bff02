// Passes of AVX2 over a panel (coded_panels_body.h).
#pragma once

namespace {

// As many activations at a time as leave registers for two vectors of weights, and what is left in even
// shares; their float sums stay in the first cache.
template <typename Codes>
struct VectorPasses : PanelShape<1, 8, 128> {
  static constexpr int64_t kTileBytes = Codes::kBytes;
  static constexpr int64_t kMost = Codes::kPassRows;

  static inline void run(const MatmulCodedArgs& a, const PanelRange& r, Panel& panel, Ahead& ahead,
                         Sums& sums) {
    for (int64_t b = 0; b < panel.blocks; ++b)
      fill(panel.tiles[0] + b * kTileBytes, panel.at[0] + b * kPanelBytes);
    if (panel.first == 0) memset(sums.at, 0, (size_t)r.rows() * sizeof sums.at[0]);
    for (int64_t t = r.t_begin; t < r.t_end;) {
      const int64_t group_end = (t / kRowGroup + 1) * kRowGroup;
      const int64_t left = (group_end < r.t_end ? group_end : r.t_end) - t;
      const int64_t passes = (left + kMost - 1) / kMost;
      const int64_t count = (left + passes - 1) / passes;
      ahead.begin_pass(panel.blocks);
      ahead.fetch_y(t - r.t_begin, t - r.t_begin + count);
      const Activations x = activations_at(a.x, Codes::starts(a.x), t, panel.first);
      rows_of<kMost>(count, panel.at[0], x, panel.blocks, ahead, sums.at + (t - r.t_begin));
      t += count;
    }
    if (panel.is_last(a.x)) put(a, r, sums);
  }

  // At most kRowGroup activations of one group, over the first `blocks` blocks of a panel that is full.
  static inline void from_panel(const uint8_t* panel, const Activations& x, int64_t count, int64_t blocks,
                                const SumRows& at) {
    Ahead nothing{};
    nothing.bands[0] = panel;
    alignas(32) float sums[kRowGroup][kBands][kBandRows];
    for (int64_t i = 0; i < count; ++i) memcpy(sums[i][0], at.from + i * at.from_stride, sizeof sums[i]);
    const int64_t passes = (count + kMost - 1) / kMost;
    const int64_t share = (count + passes - 1) / passes;
    for (int64_t i = 0; i < count; i += share) {
      const Activations own = {x.codes + i * kTileDepth, x.scales + i, x.starts + i, x.step};
      rows_of<kMost>(count - i < share ? count - i : share, panel, own, blocks, nothing, sums + i);
    }
    for (int64_t i = 0; i < count; ++i) memcpy(at.to + i * at.to_stride, sums[i][0], sizeof sums[i]);
  }

  template <int64_t kRows>
  static inline void rows_of(int64_t count, const uint8_t* panel, const Activations& x, int64_t blocks,
                             Ahead& ahead, float (*sums_at)[kBands][kBandRows]) {
    if (count == kRows) return rows<kRows>(panel, x, blocks, ahead, sums_at);
    if constexpr (kRows > 1) rows_of<kRows - 1>(count, panel, x, blocks, ahead, sums_at);
  }

  static inline void fill(const uint8_t* tile, uint8_t* panel) {
    for (int q = 0; q < kSteps; ++q) {
      for (int v = 0; v < kBandVecs; ++v) {
        __m256i one, two;
        Codes::step(tile + kTileScaleBytes + 32 * v, q, &one, &two);
        _mm256_store_si256((__m256i*)(panel + 64 * Codes::first(q) + 32 * v), one);
        _mm256_store_si256((__m256i*)(panel + 64 * Codes::second(q) + 32 * v), two);
      }
    }
    float* scales = (float*)(panel + kPanelScales);
    for (int v = 0; v < kBandVecs; ++v) {
      const Vec scale = load_bf16(tile + 2 * kLanes * v);
      vec_store(scales + v * kLanes, scale);
      vec_store(scales + kBandRows + v * kLanes, vec_mul(scale, vec_set(-kMagic)));
    }
  }

  template <int64_t kRows>
  static inline void rows(const uint8_t* panel, Activations x, int64_t blocks, Ahead& ahead,
                          float (*sums_at)[kBands][kBandRows]) {
    for (int64_t b = 0; b < blocks; ++b, x.advance(), panel += kPanelBytes) {
      ahead.fetch();
      add_panel_block<kRows>(panel, x, sums_at);
    }
  }

  template <int64_t kRows>
  static inline void add_panel_block(const uint8_t* w, const Activations& x,
                                     float (*sums_at)[kBands][kBandRows]) {
    __m256i whole[kRows][kBandVecs];
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kBandVecs; ++v) whole[i][v] = _mm256_set1_epi32(x.starts[i]);
    }
    for (int half = 0; half < 2; ++half) {
      __m256i part[kRows][kBandVecs];
      for (int i = 0; i < kRows; ++i) {
        for (int v = 0; v < kBandVecs; ++v) part[i][v] = Codes::begin(whole[i][v]);
      }
#pragma GCC unroll 8
      for (int q = 0; q < kSteps; ++q) {
        const int at = half * kSteps + q;
        __m256i codes[kBandVecs];
        for (int v = 0; v < kBandVecs; ++v)
          codes[v] = _mm256_load_si256((const __m256i*)(w + 64 * at + 32 * v));
        for (int i = 0; i < kRows; ++i) {
          const __m256i four = four_codes_at(x.codes + i * kTileDepth + 4 * at);
          for (int v = 0; v < kBandVecs; ++v) part[i][v] = Codes::dot(part[i][v], codes[v], four);
        }
      }
      for (int i = 0; i < kRows; ++i) {
        for (int v = 0; v < kBandVecs; ++v) whole[i][v] = Codes::end(whole[i][v], part[i][v]);
      }
    }
    const float* scales = (const float*)(w + kPanelScales);
    for (int v = 0; v < kBandVecs; ++v) {
      const Vec scale = vec_load(scales + v * kLanes);
      const Vec back = vec_load(scales + kBandRows + v * kLanes);
      for (int i = 0; i < kRows; ++i) {
        const Vec scaled = vec_fma(_mm256_castsi256_ps(whole[i][v]), scale, back);
        float* sum = sums_at[i][0] + v * kLanes;
        vec_store(sum, vec_fma(vec_set(x.scales[i]), scaled, vec_load(sum)));
      }
    }
  }
};

}  // namespace
