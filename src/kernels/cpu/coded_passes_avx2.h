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
      float(*at)[kBands][kBandRows] = sums.at + (t - r.t_begin);
      if (count == 1) rows<1>(panel, a.x, t, ahead, at);
      if (count == 2) rows<2>(panel, a.x, t, ahead, at);
      if (count == 3) rows<3>(panel, a.x, t, ahead, at);
      if (count == 4) rows<4>(panel, a.x, t, ahead, at);
      if (count == 5) rows<5>(panel, a.x, t, ahead, at);
      if (count == 6) rows<6>(panel, a.x, t, ahead, at);
      t += count;
    }
    if (panel.is_last(a.x)) put(a, r, sums);
  }

  static inline void fill(const uint8_t* tile, uint8_t* panel) {
    for (int q = 0; q < kSteps; ++q) {
      for (int v = 0; v < kBandVecs; ++v) {
        __m256i low, high;
        Codes::step(tile + kTileScaleBytes + 32 * v, q, &low, &high);
        _mm256_store_si256((__m256i*)(panel + 64 * q + 32 * v), low);
        _mm256_store_si256((__m256i*)(panel + 64 * (q + kSteps) + 32 * v), high);
      }
    }
    float* scales = (float*)(panel + kPanelScales);
    for (int v = 0; v < kBandVecs; ++v) {
      const Vec scale = load_bf16(tile + 2 * kLanes * v);
      vec_store(scales + v * kLanes, scale);
      vec_store(scales + kBandRows + v * kLanes, vec_mul(scale, vec_set(-kMagic)));
    }
  }

  template <int kRows>
  static inline void rows(const Panel& panel, const EncodedRows& e, int64_t t, Ahead& ahead,
                          float (*sums_at)[kBands][kBandRows]) {
    Activations x = activations_at(e, Codes::starts(e), t, panel.first);
    const uint8_t* w = panel.at[0];
    for (int64_t b = 0; b < panel.blocks; ++b, x.advance(), w += kPanelBytes) {
      ahead.fetch();
      add_panel_block<kRows>(w, x, sums_at);
    }
  }

  template <int kRows>
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
