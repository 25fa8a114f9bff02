// Arguments of the operations: plain structs, so that the translation units built for one instruction set
// need nothing else. All activations are float32, row-major; strides count floats. Letters: T rows, K and N
// matrix sizes.
#pragma once

#include <stdint.h>

#include "quant/format.h"

namespace nestor::kernels {

using quant::Format;
using quant::MatrixView;

/// How weights are read that few rows meet. Every choice gives the same bits; which is fast depends on the
/// processor (streams.h). A set takes the nearest that it has.
struct Reading {
  int32_t side_by_side;  // rows of w, or bands of tiles, that one row of x meets at a time
  int32_t bytes_ahead;   // how far ahead of its use a byte is fetched; 0: left to the processor
};

/// y[t, n] = sum_k x[t, k] * w[n, k], each sum with one accumulation order that depends on K alone: not on T,
/// not on the position of n. w is [N, K]. x and y must not overlap.
struct MatmulArgs {
  const float* x;
  int64_t x_stride;
  int64_t rows;  // T
  MatrixView w;
  float* y;
  int64_t y_stride;
  Reading reading = {6, 4608};
};

/// Up to so many rows a product is bound by reading w; more are worth the cost of unpacking tiles beforehand.
inline constexpr int64_t kFewRows = 8;

/// Whether sums begin at zero or at what y holds.
enum class Sums { fresh, onto_y };

/// y[t, n] = sum_k x[t, k] * w[k, n], or y[t, n] += that, summed in ascending k. w is [K, N]: at least one
/// matrix, one below the other, each with at least one row, all of one format. Sets that multiply codes
/// (matmul_coded) do so here with tiles (q8, q4): x[t, k] times the scale of row k is rounded to eight bits,
/// with one scale for 64 rows of a whole matrix (rows 64 b to 64 b + 63) and 64 columns; sums of products of
/// codes are exact, and all these sets give the same bits.
struct MatmulTransposedArgs {
  const float* x;
  int64_t x_stride;
  int64_t rows;  // T
  const MatrixView* w;
  int64_t matrices;
  float* y;
  int64_t y_stride;
  Sums sums;
};

/// y = w * (x * rsqrt(mean(x^2) + eps)) * scale, row by row over `cols` values. y may be x.
struct RmsNormArgs {
  const float* x;
  int64_t x_stride;
  const float* w;
  float eps;
  float scale;
  int64_t cols;
  float* y;
  int64_t y_stride;
};

/// y = (x - mean) * rsqrt(variance + eps) * w + b, row by row over `cols` values; the variance is the mean of
/// (x - mean)^2, taken in a second pass. y may be x.
struct LayerNormArgs {
  const float* x;
  int64_t x_stride;
  const float* w;
  const float* b;
  float eps;
  int64_t cols;
  float* y;
  int64_t y_stride;
};

/// y = silu(gate) * up over contiguous values; silu(g) = g / (1 + exp(-g)). y may be gate or up.
struct SwigluArgs {
  const float* gate;
  const float* up;
  float* y;
};

/// Rows of scores become probabilities in place: softmax over the first `cols` values, computed as
/// exp(x - max) / sum. Where `peaks` and `sums` [T] are given, they get max and sum of each row.
struct SoftmaxArgs {
  float* x;
  int64_t stride;
  int64_t cols;
  float* peaks;
  float* sums;
};

/// y[i] = keep * y[i] + factor * x[i].
struct AddScaledArgs {
  const float* x;
  float factor;
  float* y;
  float keep = 1;
};

/// y = float32 values of `count` stored numbers, starting at element (row, 0) of a matrix.
struct WidenArgs {
  MatrixView w;
  int64_t row;
  float* y;
};

/// Rows that EncodedRows keeps side by side.
inline constexpr int64_t kRowGroup = 16;

/// T rows of activations as codes of eight bits, in blocks of 64 columns: x = scale * code. Rows lie in
/// groups of kRowGroup, in a group block after block, because a product takes the rows of a group together:
/// block b of row t has the number encoded_block(e, t, b) in each of the arrays.
struct EncodedRows {
  int8_t* codes;  // 64 for each block
  float* scales;
  // What the whole-number sum over a block starts from, by format of the weights; only the set that wrote it
  // knows what it means.
  int32_t* starts_q8;
  int32_t* starts_q4;
  int64_t rows;    // T
  int64_t blocks;  // B = ceil(cols / 64)
};

/// Each block has scale = max |x| / 127 and code = x / scale, rounded to nearest; columns beyond the last
/// count as zero.
struct EncodeRowsArgs {
  const float* x;
  int64_t x_stride;
  int64_t cols;
  EncodedRows to;
  int64_t first_block;  // of `to`, for column 0 of x
};

/// The product of encoded rows with tiles (q8 or q4): y[t, n] = sum over blocks of scale of x * (scale of w *
/// sum of products of codes). The inner sums are exact, their product with the scale of w is rounded once,
/// and blocks are added in ascending order: all sets give the same bits.
struct MatmulCodedArgs {
  EncodedRows x;
  MatrixView w;  // [N, K], q8 or q4
  float* y;
  int64_t y_stride;
  Reading reading = {3, 4608};
};

/// Columns of a step, and parts of a number.
inline constexpr int64_t kSplitDepth = 32, kSplitParts = 3;

/// T rows of activations as three bfloat16 each whose sum is the float32: its upper eight significant bits,
/// those of what is left, and the rest. (What lies below 2^-126 becomes zero.) For tile registers: rows in
/// groups of kRowGroup, of a group step after step of kSplitDepth columns, of a step one part after the
/// other, each as 16 pairs of columns x 16 rows x 2. The last group and the last step are filled up with
/// zeros.
struct SplitRows {
  uint16_t* parts;  // [groups][steps][kSplitParts][16][16][2]
  int64_t rows;     // T
  int64_t steps;    // ceil(cols / kSplitDepth)
};

struct SplitRowsArgs {
  const float* x;
  int64_t x_stride;
  const int32_t* at;  // row of x for each row, or nullptr: row t for row t
  int64_t cols;
  SplitRows to;
  int64_t first_step;  // of `to`, for column 0 of x
};

/// y[t, n] = sum_k x[t, k] * w[n, k] with split rows: the product of MatmulArgs in another order of sums, one
/// that depends on K alone. w is [N, K] in bfloat16.
struct MatmulPartsArgs {
  SplitRows x;
  MatrixView w;
  float* y;
  int64_t y_stride;
};

/// T rows of activations rounded to bfloat16: to nearest, ties to even; what lies below 2^-126 becomes zero.
struct RoundedRows {
  uint16_t* at;    // [T, cols]
  int64_t stride;  // numbers from one row to the next
};

struct RoundRowsArgs {
  const float* x;
  int64_t x_stride;
  const int32_t* at;  // row of x for each row, or nullptr: row t for row t
  int64_t cols;
  RoundedRows to;
  int64_t first_column;  // of `to`, for column 0 of x
};

/// y[t, n] = sum_k x[t, k] * w[n, k] with activations rounded to bfloat16 and sums in float32, in an order
/// that depends on K alone. w is [N, K] in bfloat16.
struct MatmulRoundedArgs {
  const uint16_t* x;
  int64_t x_stride;
  int64_t rows;  // T
  MatrixView w;
  float* y;
  int64_t y_stride;
  Reading reading = {6, 4608};
};

/// The operations of one set. Each works on a range, so that the callers in ops.h can hand out tiles to
/// threads; the result of an element never depends on how ranges are cut.
struct OpTable {
  const char* name;
  void (*matmul)(const MatmulArgs& args, int64_t n_begin, int64_t n_end);
  void (*matmul_transposed)(const MatmulTransposedArgs& args, int64_t n_begin, int64_t n_end);
  void (*rms_norm)(const RmsNormArgs& args, int64_t row_begin, int64_t row_end);
  void (*layer_norm)(const LayerNormArgs& args, int64_t row_begin, int64_t row_end);
  void (*swiglu)(const SwigluArgs& args, int64_t begin, int64_t end);
  void (*softmax)(const SoftmaxArgs& args, int64_t row_begin, int64_t row_end);
  void (*add_scaled)(const AddScaledArgs& args, int64_t begin, int64_t end);
  void (*widen)(const WidenArgs& args, int64_t begin, int64_t end);
  // Both or neither: a set without them multiplies tiles with float32 activations, also transposed.
  void (*encode_rows)(const EncodeRowsArgs& args, int64_t row_begin, int64_t row_end);
  void (*matmul_coded)(const MatmulCodedArgs& args, int64_t n_begin, int64_t n_end);
  // Both or neither: a set without them multiplies bfloat16 with float32 activations. Ranges of rows begin
  // with a group.
  void (*split_rows)(const SplitRowsArgs& args, int64_t row_begin, int64_t row_end) = nullptr;
  void (*matmul_parts)(const MatmulPartsArgs& args, int64_t n_begin, int64_t n_end) = nullptr;
  // Both or neither: a set without them has no fast products of rounded activations.
  void (*round_rows)(const RoundRowsArgs& args, int64_t row_begin, int64_t row_end) = nullptr;
  void (*matmul_rounded)(const MatmulRoundedArgs& args, int64_t n_begin, int64_t n_end) = nullptr;
};

}  // namespace nestor::kernels
