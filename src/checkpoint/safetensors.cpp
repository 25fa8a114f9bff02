#include "checkpoint/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/file_kind.h"
#include "base/json.h"

namespace nestor::checkpoint {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kMostNameBytes = 1024;

// A file that is none, by what it is instead.
void refuse_other_kind(std::span<const std::byte> head, std::string_view what) {
  const FileKind* kind = file_kind({reinterpret_cast<const char*>(head.data()), head.size()});
  if (kind == nullptr) return;
  fail(ErrorKind::bad_input, "{}: expected safetensors, found {}; {}", what, kind->name, kind->advice);
}

std::uint64_t header_length(std::span<const std::byte> head, std::uint64_t file_bytes,
                            std::string_view what) {
  if (file_bytes < kLengthBytes || head.size() < kLengthBytes) {
    refuse_other_kind(head, what);
    fail(ErrorKind::bad_input, "{}: {} bytes are too few for a safetensors file", what, file_bytes);
  }
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = (length << 8) | static_cast<std::uint64_t>(head[i]);
  if (length > kMostHeaderBytes || length > file_bytes - kLengthBytes) {
    refuse_other_kind(head, what);
    fail(ErrorKind::bad_input,
         "{}: the header claims {} bytes, the file has {}; it is truncated or no safetensors file", what,
         length, file_bytes);
  }
  return length;
}

std::uint64_t whole(const Json& value, std::string_view what, const std::string& tensor, const char* field) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0)) {
    fail(ErrorKind::bad_input, "{}: tensor {}: {} must hold whole numbers of 0 or more, found {}", what,
         in_quotes(tensor), field, excerpt(value));
  }
  return value.get<std::uint64_t>();
}

// The bytes that dtype and shape ask for; products are checked before they are formed.
std::uint64_t expected_bytes(const TensorEntry& t, std::string_view what) {
  std::uint64_t n = size_of(t.dtype);
  for (const std::int64_t d : t.shape) {
    if (__builtin_mul_overflow(n, static_cast<std::uint64_t>(d), &n)) {
      fail(ErrorKind::bad_input, "{}: tensor {}: shape {} overflows", what, in_quotes(t.name),
           shape_text(t.shape));
    }
  }
  return n;
}

const Json& member(const Json& entry, const char* key, std::string_view what, const std::string& tensor) {
  const auto it = entry.find(key);
  if (it == entry.end()) fail(ErrorKind::bad_input, "{}: tensor {} has no {}", what, in_quotes(tensor), key);
  return *it;
}

TensorEntry parse_entry(const std::string& name, const Json& entry, std::uint64_t body_begin,
                        std::uint64_t body_bytes, std::string_view what) {
  if (!entry.is_object() || name.size() > kMostNameBytes) {
    fail(ErrorKind::bad_input, "{}: the header entry {} is not a tensor", what, in_quotes(name));
  }
  TensorEntry t;
  t.name = name;
  const Json& dtype = member(entry, "dtype", what, name);
  const auto known = dtype.is_string() ? dtype_named(dtype.get_ref<const std::string&>()) : std::nullopt;
  if (!known)
    fail(ErrorKind::bad_input, "{}: tensor {}: unknown dtype {}", what, in_quotes(name), excerpt(dtype));
  t.dtype = *known;

  const Json& shape = member(entry, "shape", what, name);
  if (!shape.is_array() || shape.size() > kMostDimensions) {
    fail(ErrorKind::bad_input, "{}: tensor {}: shape must be a list of at most {} sizes", what,
         in_quotes(name), kMostDimensions);
  }
  for (const Json& d : shape) {
    const std::uint64_t size = whole(d, what, name, "shape");
    if (size > static_cast<std::uint64_t>(INT64_MAX)) {
      fail(ErrorKind::bad_input, "{}: tensor {}: a size of {} is absurd", what, in_quotes(name), size);
    }
    t.shape.push_back(static_cast<std::int64_t>(size));
  }

  const Json& offsets = member(entry, "data_offsets", what, name);
  if (!offsets.is_array() || offsets.size() != 2) {
    fail(ErrorKind::bad_input, "{}: tensor {}: data_offsets must be [begin, end]", what, in_quotes(name));
  }
  const std::uint64_t begin = whole(offsets[0], what, name, "data_offsets");
  const std::uint64_t end = whole(offsets[1], what, name, "data_offsets");
  if (begin > end || end > body_bytes) {
    fail(ErrorKind::bad_input,
         "{}: tensor {} claims bytes {} to {} of {}; the file is truncated or its header is wrong", what,
         in_quotes(name), begin, end, body_bytes);
  }
  t.begin = body_begin + begin;
  t.bytes = end - begin;
  if (t.bytes != expected_bytes(t, what)) {
    fail(ErrorKind::bad_input, "{}: tensor {}: {} bytes for {} {}, expected {}", what, in_quotes(name),
         t.bytes, name_of(t.dtype), shape_text(t.shape), expected_bytes(t, what));
  }
  for (const auto& [key, value] : entry.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      fail(ErrorKind::bad_input, "{}: tensor {}: unknown field {}", what, in_quotes(name), in_quotes(key));
    }
  }
  return t;
}

// The format asks for tensors that cover the body exactly: no overlap, no gap, nothing left over.
void check_coverage(const std::vector<TensorEntry>& entries, std::uint64_t body_begin,
                    std::uint64_t file_bytes, std::string_view what) {
  std::vector<const TensorEntry*> by_offset;
  for (const TensorEntry& t : entries) by_offset.push_back(&t);
  std::sort(by_offset.begin(), by_offset.end(), [](const TensorEntry* a, const TensorEntry* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->bytes < b->bytes;
  });
  std::uint64_t at = body_begin;
  for (const TensorEntry* t : by_offset) {
    if (t->begin != at) {
      fail(ErrorKind::bad_input, "{}: tensor {} starts at byte {} where {} was expected: tensors {}", what,
           in_quotes(t->name), t->begin - body_begin, at - body_begin,
           t->begin < at ? "overlap" : "leave a gap");
    }
    at += t->bytes;
  }
  if (at != file_bytes) {
    fail(ErrorKind::bad_input, "{}: {} bytes after the last tensor belong to nothing", what, file_bytes - at);
  }
}

}  // namespace

std::vector<TensorEntry> parse_safetensors(std::span<const std::byte> head, std::uint64_t file_bytes,
                                           std::string_view what) {
  const std::uint64_t length = header_length(head, file_bytes, what);
  if (head.size() < kLengthBytes + length)
    fail(ErrorKind::internal, "{}: the header was not read whole", what);
  const std::string_view text(reinterpret_cast<const char*>(head.data()) + kLengthBytes, length);
  const Json header = parse_json(text, fmt::format("{}: header", what));
  if (!header.is_object()) {
    fail(ErrorKind::bad_input, "{}: the header must be an object, found {}", what, kind_of(header));
  }
  const std::uint64_t body_begin = kLengthBytes + length;
  std::vector<TensorEntry> entries;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    entries.push_back(parse_entry(name, entry, body_begin, file_bytes - body_begin, what));
  }
  check_coverage(entries, body_begin, file_bytes, what);
  return entries;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace nestor::checkpoint
