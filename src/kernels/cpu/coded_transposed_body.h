// y[t, n] = or += sum_k x[t, k] * w[k, n] for matrices in tiles, by products of codes (op_args.h,
// MatmulTransposedArgs), over encode_block and whole numbers of the coded_body_*.h and the turn_*.h before
// this one.
//
// Here rows of the matrix are summed over, so their scales go to the activations: x * scale is rounded to
// eight bits, 64 rows at a time. Tiles are turned so that four rows of a column lie together; the activations
// that share the turned block pay for that.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::MatmulTransposedArgs;
using nestor::kernels::Sums;

// 64 rows of the whole matrix; the view has those at the places [begin, end), place p being its row first +
// p.
struct RowBlock {
  int64_t grid_row;
  int64_t first;
  int64_t begin, end;
};

// Codes as the dot product takes them: four rows of one column side by side, 64 columns.
struct TurnedBlock {
  alignas(64) uint8_t codes[kTileDepth / 4][4 * kTileDepth];
  float scales[kTileDepth];  // of the rows; 0 where the view has none
};

template <typename Turn>
inline void turn_block(const nestor::quant::MatrixView& m, const RowBlock& rows, int64_t block,
                       TurnedBlock* to) {
  for (int64_t place = 0; place < kTileDepth; place += kBandRows) {
    float* scales = to->scales + place;
    if (place >= rows.end || place + kBandRows <= rows.begin) {
      memset(to->codes[place / 4], 0, kBandRows / 4 * sizeof to->codes[0]);
      memset(scales, 0, kBandRows * sizeof(float));
      continue;
    }
    const uint8_t* tile = m.data + (rows.grid_row + place) / kBandRows * m.row_bytes + block * Turn::kBytes;
    Turn::band(tile + kTileScaleBytes, to->codes + place / 4);
    // The same columns of the next 64 rows.
    for (int64_t line = 0; line < Turn::kBytes; line += 64)
      _mm_prefetch((const char*)(tile + kTileDepth / kBandRows * m.row_bytes + line), _MM_HINT_T0);
    for (int64_t r = 0; r < kBandRows; r += kLanes) vec_store(scales + r, load_bf16(tile + 2 * r));
    // What lies beyond the view is no number, or not yet.
    for (int64_t r = 0; r < kBandRows; ++r) {
      if (place + r < rows.begin || place + r >= rows.end) scales[r] = 0;
    }
  }
}

// Activations that meet a turned block, each times the scales of its rows.
constexpr int64_t kScaledRows = 128;

struct ScaledRows {
  alignas(64) int8_t codes[kScaledRows][kTileDepth];
  float scales[kScaledRows];
  int32_t starts[kScaledRows];
};

// Blocks of activations times scales.
struct ScaledBlocks {
  FloatBlocks x;
  const float* scales;
  inline Vec operator()(int64_t i, int64_t p) const { return vec_mul(x(i, p), vec_load(scales + p)); }
};

// Activations x to x + (count - 1) * stride.
inline void encode_scaled(const float* x, int64_t stride, int64_t count, const RowBlock& rows,
                          const float* scales, ScaledRows* to) {
  int32_t sums[kScaledRows];
  for (int64_t t = 0; t < count; t += kRowGroup) {
    const int64_t here = count - t < kRowGroup ? count - t : kRowGroup;
    const float* from = x + t * stride + rows.first;
    const CodedBlocks blocks = {to->codes[t], to->scales + t, sums + t};
    if (rows.begin == 0 && rows.end == kTileDepth) {
      encode_blocks(ScaledBlocks{{from, stride}, scales}, here, blocks);
    } else {
      const PaddedBlocks padded(from, stride, here, rows.begin, rows.end);
      encode_blocks(ScaledBlocks{padded.blocks(), scales}, here, blocks);
    }
  }
  for (int64_t t = 0; t < count; ++t) to->starts[t] = start_of(sums[t], kOffsetQ8, 0);
}

// A block times kRows activations: 64 columns of y. Inlined, g++ 12 keeps columns in registers from call to
// call, and has none left for the sums.
template <int kRows, Sums kSums>
__attribute__((noinline)) void add_turned(const TurnedBlock& w, const ScaledRows& x, int64_t t, float* y,
                                          int64_t stride) {
  constexpr int kVecs = 4;
  for (int64_t n = 0; n < kTileDepth; n += kVecs * kLanes) {
    Whole sums[kRows][kVecs];
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kVecs; ++v) sums[i][v] = whole_set(x.starts[t + i]);
    }
    // Unrolled in part, g++ 12 copies every sum to another register and back.
#pragma GCC unroll 16
    for (int64_t q = 0; q < kTileDepth / 4; ++q) {
      Whole columns[kVecs];
      for (int v = 0; v < kVecs; ++v) columns[v] = whole_load(w.codes[q] + 4 * (n + v * kLanes));
      for (int i = 0; i < kRows; ++i) {
        const auto four = four_codes_at(x.codes[t + i] + 4 * q);
        for (int v = 0; v < kVecs; ++v) sums[i][v] = add_codes(sums[i][v], columns[v], four);
      }
    }
    for (int i = 0; i < kRows; ++i) {
      const Vec scale = vec_set(x.scales[t + i]);
      for (int v = 0; v < kVecs; ++v) {
        float* at = y + i * stride + n + v * kLanes;
        const Vec before = kSums == Sums::fresh ? vec_zero() : vec_load(at);
        vec_store(at, vec_fma(scale, whole_to_floats(sums[i][v]), before));
      }
    }
  }
}

// The same for `columns` of y, at most 64.
template <int kRows, Sums kSums>
inline void add_columns(const TurnedBlock& w, const ScaledRows& x, int64_t t, float* y, int64_t stride,
                        int64_t columns) {
  if (columns == kTileDepth) return add_turned<kRows, kSums>(w, x, t, y, stride);
  float whole[kRows][kTileDepth];
  const size_t bytes = (size_t)columns * sizeof(float);
  for (int i = 0; i < kRows && kSums == Sums::onto_y; ++i) memcpy(whole[i], y + i * stride, bytes);
  add_turned<kRows, kSums>(w, x, t, whole[0], kTileDepth);
  for (int i = 0; i < kRows; ++i) memcpy(y + i * stride, whole[i], bytes);
}

// One block of rows, activations [t_begin, t_end).
template <typename Turn, Sums kSums>
inline void add_row_block(const MatmulTransposedArgs& a, const RowBlock& rows, int64_t t_begin, int64_t t_end,
                          int64_t n_begin, int64_t n_end) {
  constexpr int kRowsAtOnce = kLanes == 16 ? 4 : 2;
  TurnedBlock block;
  ScaledRows x;
  float encoded_for[kTileDepth];
  for (int64_t n = n_begin; n < n_end; n += kTileDepth) {
    turn_block<Turn>(a.w, rows, n / kTileDepth, &block);
    // Records of the latent cache have one scale in all blocks.
    if (n == n_begin || memcmp(encoded_for, block.scales, sizeof encoded_for) != 0) {
      encode_scaled(a.x + t_begin * a.x_stride, a.x_stride, t_end - t_begin, rows, block.scales, &x);
      memcpy(encoded_for, block.scales, sizeof encoded_for);
    }
    const int64_t columns = n_end - n < kTileDepth ? n_end - n : kTileDepth;
    float* y = a.y + t_begin * a.y_stride + n;
    const int64_t count = t_end - t_begin;
    int64_t t = 0;
    for (; t + kRowsAtOnce <= count; t += kRowsAtOnce)
      add_columns<kRowsAtOnce, kSums>(block, x, t, y + t * a.y_stride, a.y_stride, columns);
    for (; t < count; ++t) add_columns<1, kSums>(block, x, t, y + t * a.y_stride, a.y_stride, columns);
  }
}

// n_begin is a multiple of kTileDepth.
template <typename Turn>
void transposed_coded(const MatmulTransposedArgs& a, int64_t n_begin, int64_t n_end) {
  const int64_t end = a.w.first_row + a.w.rows;
  for (int64_t t = 0; t < a.rows; t += kScaledRows) {
    const int64_t t_end = t + kScaledRows < a.rows ? t + kScaledRows : a.rows;
    Sums sums = a.sums;
    for (int64_t grid = a.w.first_row / kTileDepth * kTileDepth; grid < end; grid += kTileDepth) {
      RowBlock rows = {grid, grid - a.w.first_row, 0, kTileDepth};
      if (rows.first < 0) rows.begin = -rows.first;
      if (end - grid < kTileDepth) rows.end = end - grid;
      if (sums == Sums::fresh) {
        add_row_block<Turn, Sums::fresh>(a, rows, t, t_end, n_begin, n_end);
      } else {
        add_row_block<Turn, Sums::onto_y>(a, rows, t, t_end, n_begin, n_end);
      }
      sums = Sums::onto_y;
    }
  }
}

}  // namespace
