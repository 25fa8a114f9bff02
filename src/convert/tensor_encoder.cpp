#include "convert/tensor_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/record.h"
#include "quant/tile.h"

namespace nestor::convert {
namespace {

constexpr std::int64_t kValuesAtOnce = 1 << 21;

// A format as the encoder sees it: groups of rows that become whole bytes on their own.
class RowsEncoding {
 public:
  explicit RowsEncoding(std::int64_t cols) : cols_(cols) {}
  RowsEncoding(const RowsEncoding&) = delete;
  RowsEncoding& operator=(const RowsEncoding&) = delete;
  virtual ~RowsEncoding() = default;

  virtual std::int64_t group_rows() const = 0;
  virtual std::int64_t group_bytes() const = 0;
  /// Up to group_rows() rows to `out`, zeroed before; `decoded` gets the values that the bytes mean.
  virtual void encode(std::span<const float> values, std::uint8_t* out, float* decoded) const = 0;

 protected:
  std::int64_t rows_in(std::span<const float> values) const { return std::ssize(values) / cols_; }
  std::int64_t cols_;
};

class Tiles : public RowsEncoding {
 public:
  Tiles(quant::Format format, std::int64_t cols, std::span<const float> importance, quant::ScaleRule rule)
      : RowsEncoding(cols), format_(format), importance_(importance), rule_(rule) {}
  std::int64_t group_rows() const override { return quant::kBandRows; }
  std::int64_t group_bytes() const override {
    const auto shape = quant::tiled_shape(format_, 1, cols_);
    return shape[1] * shape[2];
  }
  void encode(std::span<const float> values, std::uint8_t* out, float* decoded) const override {
    const std::int64_t rows = rows_in(values);
    quant::encode_band(format_, values.data(), rows, cols_, importance_, rule_, out);
    const auto view = quant::matrix_view(out, format_, rows, cols_);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t k = 0; k < cols_; ++k) *decoded++ = quant::element(view, r, k);
    }
  }

 private:
  quant::Format format_;
  std::span<const float> importance_;
  quant::ScaleRule rule_;
};

class Records : public RowsEncoding {
 public:
  Records(quant::RecordFormat format, quant::ScaleRule rule)
      : RowsEncoding(format.width), format_(format), rule_(rule) {}
  std::int64_t group_rows() const override {
    return std::max<std::int64_t>(quant::kPageBytes / format_.bytes(), 1);
  }
  std::int64_t group_bytes() const override { return format_.offset(group_rows()); }
  void encode(std::span<const float> values, std::uint8_t* out, float* decoded) const override {
    for (std::int64_t r = 0; r < rows_in(values); ++r) {
      const auto row = values.subspan(static_cast<std::size_t>(r * cols_), static_cast<std::size_t>(cols_));
      std::uint8_t* record = out + format_.offset(r);
      quant::encode_record(format_, row, rule_, record);
      quant::decode_record(format_, record, decoded + r * cols_);
    }
  }

 private:
  quant::RecordFormat format_;
  quant::ScaleRule rule_;
};

class Numbers : public RowsEncoding {
 public:
  Numbers(DType dtype, std::int64_t cols) : RowsEncoding(cols), dtype_(dtype) {}
  std::int64_t group_rows() const override { return 1; }
  std::int64_t group_bytes() const override { return cols_ * static_cast<std::int64_t>(size_of(dtype_)); }
  void encode(std::span<const float> values, std::uint8_t* out, float* decoded) const override {
    for (std::size_t i = 0; i < values.size(); ++i) {
      decoded[i] = values[i];
      if (dtype_ == DType::f32) {
        std::memcpy(out + 4 * i, &values[i], 4);
        continue;
      }
      const bool bf16 = dtype_ == DType::bf16;
      const std::uint16_t bits = bf16 ? quant::to_bf16(values[i]) : quant::to_f16(values[i]);
      decoded[i] = bf16 ? quant::from_bf16(bits) : quant::from_f16(bits);
      std::memcpy(out + 2 * i, &bits, sizeof bits);
    }
  }

 private:
  DType dtype_;
};

std::unique_ptr<RowsEncoding> rows_encoding(const TargetTensor& t, std::int64_t cols,
                                            std::span<const float> importance, quant::ScaleRule rule) {
  if (!t.encoding) return std::make_unique<Numbers>(t.stored.dtype, cols);
  if (t.encoding->layout == quant::Encoding::Layout::records) {
    return std::make_unique<Records>(quant::RecordFormat{t.encoding->bits, cols}, rule);
  }
  return std::make_unique<Tiles>(quant::format_of(*t.encoding), cols, importance, rule);
}

bool is_finite(float v) { return std::isfinite(v); }

// Refuses NaN and infinity in every format, and large numbers in formats that cannot hold them.
void check_values(const TargetTensor& t, std::span<const float> values) {
  if (!std::ranges::all_of(values, is_finite)) {
    fail(ErrorKind::bad_input,
         "tensor {} holds a value that is not finite: its file is damaged, or the training diverged; get the "
         "checkpoint again",
         t.info.name);
  }
  const auto fits = [](float v) { return std::fabs(v) < quant::kLargestValue; };
  if (t.encoding && !std::ranges::all_of(values, fits)) {
    fail(ErrorKind::bad_input, "tensor {} holds a value above 1e38; keep it with --keep {}=bf16", t.info.name,
         t.info.name);
  }
}

void check_decoded(const TargetTensor& t, std::span<const float> decoded) {
  if (std::ranges::all_of(decoded, is_finite)) return;
  fail(ErrorKind::bad_input, "tensor {} holds a value that is too large for {}", t.info.name,
       name_of(t.stored.dtype));
}

}  // namespace

quant::Distortion TensorEncoder::encode(const TargetTensor& target, std::span<const float> importance,
                                        const RowReader& read, const Sink& sink) {
  const config::TensorInfo& t = target.info;
  const std::int64_t rows = t.rank == 1 ? 1 : t.shape[0];
  const std::int64_t cols = t.shape[static_cast<std::size_t>(t.rank - 1)];
  const auto encoding = rows_encoding(target, cols, importance, rule_);
  const std::int64_t group = encoding->group_rows();
  const std::int64_t groups = (rows + group - 1) / group;
  const std::int64_t at_once = std::max<std::int64_t>(kValuesAtOnce / (cols * group), 1);
  quant::Distortion total;
  std::uint64_t left = target.stored.bytes();
  for (std::int64_t first = 0; first < groups; first += at_once) {
    const std::int64_t count = std::min(at_once, groups - first);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count * encoding->group_bytes()));
    std::vector<quant::Distortion> distortions(static_cast<std::size_t>(count));
    team_.run(count, [&](std::int64_t i, int) {
      const std::int64_t row = (first + i) * group;
      const std::int64_t in_group = std::min(group, rows - row);
      std::vector<float> values(static_cast<std::size_t>(in_group * cols));
      std::vector<float> decoded(values.size());
      for (std::int64_t r = 0; r < in_group; ++r) read(row + r, values.data() + r * cols);
      check_values(target, values);
      encoding->encode(values, bytes.data() + i * encoding->group_bytes(), decoded.data());
      check_decoded(target, decoded);
      distortions[static_cast<std::size_t>(i)].add(values, decoded);
    });
    for (const quant::Distortion& d : distortions) total.add(d);  // in order: the same sum for any team
    const auto size = std::min<std::uint64_t>(left, bytes.size());
    sink(std::as_bytes(std::span(bytes)).first(static_cast<std::size_t>(size)));
    left -= size;
  }
  if (left > 0) sink(std::vector<std::byte>(static_cast<std::size_t>(left)));  // the rest of the last page
  return total;
}

}  // namespace nestor::convert
