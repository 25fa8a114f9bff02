// Products of tiles with activations rounded to eight bits, for AVX2, over coded_blocks_avx2.h,
// coded_panels_body.h and coded_passes_avx2.h. Few activations are a matter of memory, and tiles are used as
// they come.
#pragma once

namespace {

// Adds one block of kBands bands to the sums of kRows activations.
template <typename Codes, int kRows, int kBands>
inline void add_tiles(const uint8_t* const* tiles, const Activations& x, Vec (*sums)[kBands][kBandVecs]) {
  __m256i whole[kRows][kBands][kBandVecs];
  __m256i part[kRows][kBands][kBandVecs];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) {
      for (int v = 0; v < kBandVecs; ++v) whole[i][j][v] = _mm256_set1_epi32(x.starts[i]);
    }
  }
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kBands; ++j) {
        for (int v = 0; v < kBandVecs; ++v) part[i][j][v] = Codes::begin(whole[i][j][v]);
      }
    }
    // Of 16 quads as many as a sum in 16 bits holds.
    for (int q = half * kSteps / 2; q < (half + 1) * kSteps / 2; ++q) {
      __m256i one[kBands][kBandVecs], two[kBands][kBandVecs];
      for (int j = 0; j < kBands; ++j) {
        for (int v = 0; v < kBandVecs; ++v)
          Codes::step(tiles[j] + kTileScaleBytes + 32 * v, q, &one[j][v], &two[j][v]);
      }
      for (int i = 0; i < kRows; ++i) {
        const __m256i first = four_codes_at(x.codes + i * kTileDepth + 4 * Codes::first(q));
        const __m256i second = four_codes_at(x.codes + i * kTileDepth + 4 * Codes::second(q));
        for (int j = 0; j < kBands; ++j) {
          for (int v = 0; v < kBandVecs; ++v)
            part[i][j][v] = Codes::dot(Codes::dot(part[i][j][v], one[j][v], first), two[j][v], second);
        }
      }
    }
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kBands; ++j) {
        for (int v = 0; v < kBandVecs; ++v) whole[i][j][v] = Codes::end(whole[i][j][v], part[i][j][v]);
      }
    }
  }
  for (int j = 0; j < kBands; ++j) {
    for (int v = 0; v < kBandVecs; ++v) {
      const Vec scale = load_bf16(tiles[j] + 2 * kLanes * v);
      const Vec back = vec_mul(scale, vec_set(-kMagic));
      for (int i = 0; i < kRows; ++i) {
        const Vec scaled = vec_fma(_mm256_castsi256_ps(whole[i][j][v]), scale, back);
        sums[i][j][v] = vec_fma(vec_set(x.scales[i]), scaled, sums[i][j][v]);
      }
    }
  }
}

// kBands bands from `band` on, kRows activations of one group from t on, read once from memory.
template <typename Codes, int kRows, int kBands>
inline void stream_bands(const MatmulCodedArgs& a, int64_t t, int64_t band, int64_t n_begin, int64_t n_end) {
  const uint8_t* tiles[kBands];
  for (int j = 0; j < kBands; ++j) tiles[j] = a.w.data + (band + j) * a.w.row_bytes;
  Vec sums[kRows][kBands][kBandVecs];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) {
      for (int v = 0; v < kBandVecs; ++v) sums[i][j][v] = vec_zero();
    }
  }
  Activations x = activations_at(a.x, Codes::starts(a.x), t, 0);
  for (int64_t b = 0; b < a.x.blocks; ++b, x.advance()) {
    if (a.reading.bytes_ahead != 0) {
      const int64_t at = b * Codes::kBytes;
      const int64_t ahead =
          fetched_at(at, a.reading.bytes_ahead, a.w.row_bytes, (kBands - 1) * a.w.row_bytes) - at;
      for (int j = 0; j < kBands; ++j) {
        for (int64_t line = 0; line < Codes::kBytes; line += 64)
          _mm_prefetch((const char*)(tiles[j] + ahead + line), _MM_HINT_T0);
      }
    }
    add_tiles<Codes, kRows, kBands>(tiles, x, sums);
    for (int j = 0; j < kBands; ++j) tiles[j] += Codes::kBytes;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) {
      for (int v = 0; v < kBandVecs; ++v) {
        store_lanes(a.y + (t + i) * a.y_stride, sums[i][j][v],
                    (band + j) * kBandRows + kLanes * v - a.w.first_row, n_begin, n_end);
      }
    }
  }
}

// Activations from t on.
template <typename Codes>
void stream_rows(const MatmulCodedArgs& a, int64_t t, int64_t n_begin, int64_t n_end) {
  const int64_t end = (a.w.first_row + n_end + kBandRows - 1) / kBandRows;
  int64_t band = (a.w.first_row + n_begin) / kBandRows;
  if (a.x.rows - t == 1 && a.reading.side_by_side >= 2) {
    for (; band + 2 <= end; band += 2) stream_bands<Codes, 1, 2>(a, t, band, n_begin, n_end);
  }
  for (; band < end; ++band) {
    int64_t row = t;
    for (; row + 4 <= a.x.rows; row += 4) stream_bands<Codes, 4, 1>(a, row, band, n_begin, n_end);
    for (; row + 2 <= a.x.rows; row += 2) stream_bands<Codes, 2, 1>(a, row, band, n_begin, n_end);
    for (; row < a.x.rows; ++row) stream_bands<Codes, 1, 1>(a, row, band, n_begin, n_end);
  }
}

}  // namespace
