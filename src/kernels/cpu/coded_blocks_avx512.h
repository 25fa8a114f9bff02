// One block of tiles times activations rounded to eight bits, for AVX-512, over the dot product of four bytes
// that the file before this one declares (dot_vnni.h or dot_avx512.h). Lanes are the 16 rows of a band.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::Activations;
using nestor::kernels::activations_at;
using nestor::kernels::encoded_block;
using nestor::kernels::EncodedRows;
using nestor::kernels::kMagic;
using nestor::kernels::kRowGroup;
using nestor::kernels::MatmulCodedArgs;

// Steps of a block: each has two of its sixteen quads of columns, those that lie side by side. Any order
// gives the same whole numbers, and memory is read fastest from front to back.
constexpr int kSteps = (int)(kTileDepth / 8);

// Codes of tiles as the dot product takes them.
struct CodesQ8 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ8;
  static constexpr int first(int q) { return 2 * q; }
  static constexpr int second(int q) { return 2 * q + 1; }
  static inline void step(const uint8_t* codes, int q, __m512i* one, __m512i* two) {
    *one = codes_q8(_mm512_loadu_si512(codes + 64 * first(q)));
    *two = codes_q8(_mm512_loadu_si512(codes + 64 * second(q)));
  }
  static inline __m512i dot(__m512i sums, __m512i w, FourCodes x) { return dot_q8(sums, w, x); }
  static inline const int32_t* starts(const EncodedRows& x) { return x.starts_q8; }
};

struct CodesQ4 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ4;
  static constexpr int first(int q) { return q; }
  static constexpr int second(int q) { return q + kSteps; }
  static inline void step(const uint8_t* codes, int q, __m512i* one, __m512i* two) {
    const __m512i both = _mm512_loadu_si512(codes + 64 * q);
    *one = _mm512_and_si512(both, _mm512_set1_epi8(15));
    *two = _mm512_and_si512(_mm512_srli_epi16(both, 4), _mm512_set1_epi8(15));
  }
  static inline __m512i dot(__m512i sums, __m512i w, FourCodes x) { return dot_q4(sums, w, x); }
  static inline const int32_t* starts(const EncodedRows& x) { return x.starts_q4; }
};

// Weights of a step out of the tile itself.
template <typename Codes>
struct FromTile {
  const uint8_t* tile;
  static constexpr int first(int q) { return Codes::first(q); }
  static constexpr int second(int q) { return Codes::second(q); }
  inline void step(int q, __m512i* one, __m512i* two) const {
    Codes::step(tile + kTileScaleBytes, q, one, two);
  }
  inline void scales(Vec* scale, Vec* back) const {
    *scale = load_bf16(tile);
    *back = vec_mul(*scale, vec_set(-kMagic));
  }
  inline void advance() { tile += Codes::kBytes; }
};

// Adds one block to the sums of kRows activations and kBands bands. Few sums wait for themselves: with two
// chains the halves of a block have their own, which are added in the end (whole numbers: the same result).
template <typename Codes, int kRows, int kBands, int kChains = 1, typename From>
inline void add_block(const From* w, const Activations& x, Vec (*sums)[kBands]) {
  __m512i whole[kChains][kRows][kBands];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) {
      for (int c = 1; c < kChains; ++c) whole[c][i][j] = _mm512_setzero_si512();
      whole[0][i][j] = _mm512_set1_epi32(x.starts[i]);
    }
  }
#pragma GCC unroll 8
  for (int q = 0; q < kSteps; ++q) {
    __m512i one[kBands], two[kBands];
    for (int j = 0; j < kBands; ++j) w[j].step(q, &one[j], &two[j]);
    for (int i = 0; i < kRows; ++i) {
      const FourCodes quad = four_codes_at(x.codes + i * kTileDepth + 4 * From::first(q));
      for (int j = 0; j < kBands; ++j) whole[0][i][j] = Codes::dot(whole[0][i][j], one[j], quad);
    }
    for (int i = 0; i < kRows; ++i) {
      const FourCodes quad = four_codes_at(x.codes + i * kTileDepth + 4 * From::second(q));
      for (int j = 0; j < kBands; ++j)
        whole[kChains - 1][i][j] = Codes::dot(whole[kChains - 1][i][j], two[j], quad);
    }
  }
  for (int j = 0; j < kBands; ++j) {
    Vec scale, back;
    w[j].scales(&scale, &back);
    for (int i = 0; i < kRows; ++i) {
      for (int c = 1; c < kChains; ++c) whole[0][i][j] = _mm512_add_epi32(whole[0][i][j], whole[c][i][j]);
      const Vec scaled = vec_fma(_mm512_castsi512_ps(whole[0][i][j]), scale, back);
      sums[i][j] = vec_fma(vec_set(x.scales[i]), scaled, sums[i][j]);
    }
  }
}

}  // namespace
