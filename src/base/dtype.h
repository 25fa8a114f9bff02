// The number types of safetensors files, by the names used there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nestor {

enum class DType : std::uint8_t {
  f64,
  f32,
  f16,
  bf16,
  f8_e4m3,
  f8_e5m2,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  boolean
};

/// Bytes of one element.
std::size_t size_of(DType dtype);

/// The spelling in a safetensors header, e.g. "BF16".
std::string_view name_of(DType dtype);

/// The dtype of a safetensors spelling, or nothing.
std::optional<DType> dtype_named(std::string_view name);

}  // namespace nestor
