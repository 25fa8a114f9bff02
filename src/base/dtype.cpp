#include "base/dtype.h"

#include <array>

namespace nestor {
namespace {

struct Entry {
  DType dtype;
  std::size_t bytes;
  std::string_view name;
};

// In the order of the enumeration.
constexpr std::array kEntries = {
    Entry{DType::f64, 8, "F64"},   Entry{DType::f32, 4, "F32"},         Entry{DType::f16, 2, "F16"},
    Entry{DType::bf16, 2, "BF16"}, Entry{DType::f8_e4m3, 1, "F8_E4M3"}, Entry{DType::f8_e5m2, 1, "F8_E5M2"},
    Entry{DType::i64, 8, "I64"},   Entry{DType::i32, 4, "I32"},         Entry{DType::i16, 2, "I16"},
    Entry{DType::i8, 1, "I8"},     Entry{DType::u64, 8, "U64"},         Entry{DType::u32, 4, "U32"},
    Entry{DType::u16, 2, "U16"},   Entry{DType::u8, 1, "U8"},           Entry{DType::boolean, 1, "BOOL"},
};

}  // namespace

std::size_t size_of(DType dtype) { return kEntries[static_cast<std::size_t>(dtype)].bytes; }

std::string_view name_of(DType dtype) { return kEntries[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> dtype_named(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace nestor
