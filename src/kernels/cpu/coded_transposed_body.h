// y[t, n] = or += sum_k x[t, k] * w[k, n] for matrices in tiles, by products of codes (op_args.h,
// MatmulTransposedArgs), over the coded_passes_*.h, encode_body.h and the turn_*.h before this one.
//
// Here rows of the matrix are summed over, so their scales go to the activations: x * scale is rounded to
// eight bits, 64 rows at a time. Tiles are turned into panels in which four rows of a column lie together,
// with scales of one; the activations that meet a panel pay for that.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::kMagicBits;
using nestor::kernels::MatmulTransposedArgs;
using nestor::kernels::Sums;

using TurnedPasses = VectorPasses<CodesQ8>;

// Blocks of 64 rows that are turned together, and activations that meet them.
constexpr int64_t kTurnedBlocks = 4;
constexpr int64_t kScaledRows = 128;

// Columns are turned so many at a time, to panels of 16 each.
constexpr int64_t kTurnedBands = kTileDepth / kBandRows;

// 64 rows of a whole matrix; its view has those at the places [begin, end). Place p belongs to column first +
// p of x.
struct RowBlock {
  const uint8_t* tiles;  // of the first band
  int64_t row_bytes;
  int64_t first;
  int64_t begin, end;
};

inline RowBlock row_block(const nestor::quant::MatrixView& w, int64_t grid_row, int64_t column) {
  const int64_t first = grid_row - w.first_row;
  const int64_t left = w.rows - first;
  return {w.data + grid_row / kBandRows * w.row_bytes, w.row_bytes, column + first, first < 0 ? -first : 0,
          left < kTileDepth ? left : kTileDepth};
}

struct TurnedPanels {
  alignas(64) uint8_t at[kTurnedBands][kTurnedBlocks * kPanelBytes];
  float scales[kTurnedBlocks][kTileDepth];  // of the rows; 0 where a view has none

  inline TurnedPanels() {
    for (auto& panel : at) {
      for (int64_t b = 0; b < kTurnedBlocks; ++b) {
        float* ones = (float*)(panel + b * kPanelBytes + kPanelScales);
        for (int64_t lane = 0; lane < kBandRows; lane += kLanes) {
          vec_store(ones + lane, vec_set(1));
          vec_store(ones + kBandRows + lane, vec_set(-kMagic));
        }
      }
    }
  }
};

// Columns [64 block, 64 block + 64) of `rows` to block b of the panels.
template <typename Turn>
inline void turn_block(const RowBlock& rows, int64_t block, int64_t b, TurnedPanels* to) {
  constexpr int64_t kRowsOfPanel = kBandRows * kBandRows;  // bytes that 16 rows take
  for (int64_t place = 0; place < kTileDepth; place += kBandRows) {
    float* scales = to->scales[b] + place;
    uint8_t* at = to->at[0] + b * kPanelBytes + place / kBandRows * kRowsOfPanel;
    if (place >= rows.end || place + kBandRows <= rows.begin) {
      for (int64_t j = 0; j < kTurnedBands; ++j) memset(at + j * sizeof to->at[0], 0, kRowsOfPanel);
      memset(scales, 0, kBandRows * sizeof(float));
      continue;
    }
    const uint8_t* tile = rows.tiles + place / kBandRows * rows.row_bytes + block * Turn::kBytes;
    Turn::band(tile + kTileScaleBytes, at, sizeof to->at[0]);
    for (int64_t r = 0; r < kBandRows; r += kLanes) vec_store(scales + r, load_bf16(tile + 2 * r));
    // What lies beyond the view is no number, or not yet.
    for (int64_t r = 0; r < kBandRows; ++r) {
      if (place + r < rows.begin || place + r >= rows.end) scales[r] = 0;
    }
    // The next columns of these rows.
    for (int64_t line = 0; line < Turn::kBytes; line += 64)
      _mm_prefetch((const char*)(tile + Turn::kBytes + line), _MM_HINT_T0);
  }
}

// Activations that meet the panels, each times the scales of its rows.
struct ScaledRows {
  static constexpr int64_t kGroups = kScaledRows / kRowGroup;
  alignas(64) int8_t codes[kGroups][kTurnedBlocks][kRowGroup][kTileDepth];
  float scales[kGroups][kTurnedBlocks][kRowGroup];
  int32_t starts[kGroups][kTurnedBlocks][kRowGroup];

  inline Activations group(int64_t g) const {
    return {codes[g][0][0], scales[g][0], starts[g][0], kRowGroup};
  }
};

// Block b of activations x to x + (count - 1) * stride.
inline void encode_scaled(const float* x, int64_t stride, int64_t count, const RowBlock& rows,
                          const float* scales, int64_t b, ScaledRows* to) {
  int32_t sums[kRowGroup];
  for (int64_t t = 0; t < count; t += kRowGroup) {
    const int64_t g = t / kRowGroup;
    const int64_t here = count - t < kRowGroup ? count - t : kRowGroup;
    FloatBlocks from = {x + t * stride + rows.first, stride, here};
    OwnBlocks padded, scaled;
    if (rows.begin != 0 || rows.end != kTileDepth) from = padded.padded(from, rows.begin, rows.end);
    const CodedBlocks blocks = {to->codes[g][b][0], to->scales[g][b], sums};
    encode_blocks(scaled.times(from, scales), blocks);
    for (int64_t i = 0; i < here; ++i) to->starts[g][b][i] = start_of(sums[i], kOffsetQ8, kMagicBits);
  }
}

// Activations [t, t + count) of a group with one panel: `columns` of y, at most 16.
inline void multiply_turned(const uint8_t* panel, int64_t blocks, const ScaledRows& x, int64_t t,
                            int64_t count, float* y, int64_t stride, int64_t columns, Sums sums) {
  SumRows at = {y, stride, y, stride};
  if (columns == kBandRows) {
    if (sums == Sums::fresh) at = {kNoSums, 0, y, stride};
    return TurnedPasses::from_panel(panel, x.group(t / kRowGroup), count, blocks, at);
  }
  float whole[kRowGroup][kBandRows] = {};
  const size_t bytes = (size_t)columns * sizeof(float);
  for (int64_t i = 0; i < count && sums == Sums::onto_y; ++i) memcpy(whole[i], y + i * stride, bytes);
  at = {whole[0], kBandRows, whole[0], kBandRows};
  TurnedPasses::from_panel(panel, x.group(t / kRowGroup), count, blocks, at);
  for (int64_t i = 0; i < count; ++i) memcpy(y + i * stride, whole[i], bytes);
}

// Some blocks of rows, activations [t_begin, t_end).
template <typename Turn>
inline void add_row_blocks(const MatmulTransposedArgs& a, const RowBlock* rows, int64_t blocks, Sums sums,
                           int64_t t_begin, int64_t t_end, int64_t n_begin, int64_t n_end) {
  TurnedPanels panels;
  ScaledRows x;
  float encoded_for[kTurnedBlocks][kTileDepth];
  const int64_t count = t_end - t_begin;
  for (int64_t n = n_begin; n < n_end; n += kTileDepth) {
    for (int64_t b = 0; b < blocks; ++b) {
      turn_block<Turn>(rows[b], n / kTileDepth, b, &panels);
      // Records of the latent cache have one scale in all blocks.
      if (n > n_begin && memcmp(encoded_for[b], panels.scales[b], sizeof encoded_for[b]) == 0) continue;
      encode_scaled(a.x + t_begin * a.x_stride, a.x_stride, count, rows[b], panels.scales[b], b, &x);
      memcpy(encoded_for[b], panels.scales[b], sizeof encoded_for[b]);
    }
    for (int64_t j = 0; j < kTurnedBands && n + j * kBandRows < n_end; ++j) {
      const int64_t column = n + j * kBandRows;
      const int64_t columns = n_end - column < kBandRows ? n_end - column : kBandRows;
      for (int64_t t = 0; t < count; t += kRowGroup) {
        multiply_turned(panels.at[j], blocks, x, t, count - t < kRowGroup ? count - t : kRowGroup,
                        a.y + (t_begin + t) * a.y_stride + column, a.y_stride, columns, sums);
      }
    }
  }
}

// n_begin is a multiple of kTileDepth.
template <typename Turn>
void transposed_coded(const MatmulTransposedArgs& a, int64_t n_begin, int64_t n_end) {
  for (int64_t t = 0; t < a.rows; t += kScaledRows) {
    const int64_t t_end = t + kScaledRows < a.rows ? t + kScaledRows : a.rows;
    RowBlock rows[kTurnedBlocks];
    int64_t blocks = 0;
    Sums sums = a.sums;
    const auto add = [&] {
      if (blocks > 0) add_row_blocks<Turn>(a, rows, blocks, sums, t, t_end, n_begin, n_end);
      blocks = 0;
      sums = Sums::onto_y;
    };
    int64_t column = 0;
    for (const auto* w = a.w; w < a.w + a.matrices; column += w->rows, ++w) {
      const int64_t end = w->first_row + w->rows;
      for (int64_t grid = w->first_row / kTileDepth * kTileDepth; grid < end; grid += kTileDepth) {
        if (blocks == kTurnedBlocks) add();
        rows[blocks++] = row_block(*w, grid, column);
      }
    }
    add();
  }
}

}  // namespace
