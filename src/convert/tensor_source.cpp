#include "convert/tensor_source.h"

#include <algorithm>

#include "base/error.h"
#include "checkpoint/locate.h"
#include "convert/random_tensor.h"
#include "quant/matrix.h"
#include "quant/record.h"

namespace nestor::convert {
namespace {

RowReader reader_of(const quant::MatrixView& view, const kernels::OpTable& ops) {
  return [view, &ops](std::int64_t row, float* out) { ops.widen({view, row, out}, 0, view.cols); };
}

std::int64_t columns_of(const config::TensorInfo& t) { return t.shape[static_cast<std::size_t>(t.rank - 1)]; }

}  // namespace

CheckpointSource::CheckpointSource(const checkpoint::Checkpoint& files, const config::ModelConfig& config,
                                   const config::NameLayout& layout, const kernels::OpTable& ops)
    : files_(files), config_(config), layout_(layout), ops_(ops) {}

DType CheckpointSource::dtype_of(const config::TensorInfo& tensor) const {
  return files_.find(tensor.name)->entry->dtype;
}

RowReader CheckpointSource::open(const config::TensorInfo& tensor) const {
  const bool fused =
      tensor.slot.part == config::Part::experts && layout_.experts == config::NameLayout::Experts::fused;
  return fused ? open_expert(tensor) : open_stored(tensor);
}

// The matrix of one expert out of a stack of all: [E, 2 I, H] of gates and ups, [E, H, I].
RowReader CheckpointSource::open_expert(const config::TensorInfo& tensor) const {
  using config::Field;
  config::Slot stack = tensor.slot;
  stack.index = config::Slot::none;
  if (stack.field != Field::down) stack.field = Field::gate_up;
  const auto* stored = files_.find(config::tensor_name(config_, layout_, stack));
  const std::int64_t plane = stored->entry->shape[1];
  const std::int64_t first =
      tensor.slot.index * plane + (tensor.slot.field == Field::up ? config_.expert_ffn_hidden_size : 0);
  const auto all = quant::matrix_view(stored->bytes().data(), *quant::format_of(stored->entry->dtype),
                                      stored->entry->shape[0] * plane, stored->entry->shape[2]);
  return reader_of(quant::row_slice(all, first, tensor.shape[0]), ops_);
}

RowReader CheckpointSource::open_stored(const config::TensorInfo& tensor) const {
  const checkpoint::Located found = checkpoint::locate(files_, tensor.name, tensor.storage);
  if (found.tensor == nullptr) fail(ErrorKind::internal, "tensor {} was not in the inventory", tensor.name);
  const auto bytes = found.tensor->bytes();
  const std::int64_t rows = tensor.rank == 1 ? 1 : tensor.shape[0];
  const std::int64_t cols = columns_of(tensor);
  if (!found.encoding) {
    const auto format = *quant::format_of(found.tensor->entry->dtype);
    if (format != quant::Format::f8_block)
      return reader_of(quant::matrix_view(bytes.data(), format, rows, cols), ops_);
    const auto* stored = files_.find(config::scale_name(tensor.name));
    const auto& shape = stored->entry->shape;
    const auto plain = quant::matrix_view(stored->bytes().data(), *quant::format_of(stored->entry->dtype), 1,
                                          shape[0] * shape[1]);
    const auto scales = std::make_shared<std::vector<float>>();
    for (std::int64_t i = 0; i < plain.cols; ++i) scales->push_back(quant::element(plain, 0, i));
    return [inner = reader_of(quant::matrix_view(bytes.data(), format, rows, cols, scales->data()), ops_),
            scales](std::int64_t row, float* out) { inner(row, out); };
  }
  if (found.encoding->layout == quant::Encoding::Layout::tiles) {
    return reader_of(quant::matrix_view(bytes.data(), quant::format_of(*found.encoding), rows, cols), ops_);
  }
  const quant::RecordFormat record{found.encoding->bits, cols};
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return [record, first](std::int64_t row, float* out) {
    quant::decode_record(record, first + record.offset(row), out);
  };
}

RowReader RandomSource::open(const config::TensorInfo& tensor) const {
  const std::int64_t cols = columns_of(tensor);
  return [random = RandomTensor(seed_, tensor), cols](std::int64_t row, float* out) {
    // Values come in pairs: a row that begins inside one gets a value to drop before it.
    const std::int64_t odd = row * cols % 2;
    std::vector<float> values(static_cast<std::size_t>(cols + odd));
    random.fill(row * cols - odd, values);
    std::copy(values.begin() + odd, values.end(), out);
  };
}

DType RandomSource::dtype_of(const config::TensorInfo& tensor) const {
  return config::published_dtype(config_, tensor);
}

}  // namespace nestor::convert
