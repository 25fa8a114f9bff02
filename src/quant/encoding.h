// The encodings that a tensor of a quantized checkpoint can have, and how a file shows them: the tensor
// `<name>_q4` holds the matrix <name> in tiles, `<name>_rows_q4` the table <name> in records; both are
// tensors of bytes (U8), whose shape follows from that of <name>.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/matrix.h"

namespace nestor::quant {

struct Encoding {
  enum class Layout { tiles, records };
  Layout layout = Layout::tiles;
  int bits = 8;

  bool operator==(const Encoding&) const = default;
};

/// All of a layout, most bits first.
std::span<const Encoding> encodings(Encoding::Layout layout);

/// The encoding called "q8", "q6", ...; nothing if the layout has none of that name.
std::optional<Encoding> encoding_named(Encoding::Layout layout, std::string_view name);

/// Of a matrix in tiles. Error(internal) for records.
Format format_of(const Encoding& encoding);

/// "q4"
std::string name_of(const Encoding& encoding);
/// "_q4" or "_rows_q4": what the name of the stored tensor has at its end.
std::string suffix_of(const Encoding& encoding);
/// Of the stored tensor of bytes, from the shape of the values. Both sizes are at least 1.
std::vector<std::int64_t> stored_shape(const Encoding& encoding, std::int64_t rows, std::int64_t cols);

}  // namespace nestor::quant
