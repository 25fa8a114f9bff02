#include "support/npy.h"

#include <cstring>
#include <stdexcept>

#include "base/file.h"

namespace nestor::testing {
namespace {

constexpr std::uint64_t kMostBytes = 256U << 20;

template <typename T>
T number_at(std::string_view bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::vector<std::int64_t> parse_shape(std::string_view header) {
  std::vector<std::int64_t> shape;
  const std::size_t open = header.find('(');
  const std::size_t close = header.find(')', open);
  std::string text(header.substr(open + 1, close - open - 1));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string item = text.substr(at, comma - at);
    if (item.find_first_of("0123456789") != std::string::npos) shape.push_back(std::stoll(item));
    at = comma + 1;
  }
  return shape;
}

}  // namespace

Array parse_npy(std::string_view bytes) {
  if (bytes.substr(0, 6) != "\x93NUMPY") throw std::runtime_error("not an .npy file");
  const std::size_t header_bytes = number_at<std::uint16_t>(bytes, 8);
  const std::string_view header = bytes.substr(10, header_bytes);
  const std::string_view body = bytes.substr(10 + header_bytes);
  Array array;
  array.shape = parse_shape(header);
  if (header.find("<f4") != std::string_view::npos) {
    array.floats.resize(body.size() / 4);
    std::memcpy(array.floats.data(), body.data(), array.floats.size() * 4);
  } else if (header.find("<i8") != std::string_view::npos) {
    array.whole.resize(body.size() / 8);
    std::memcpy(array.whole.data(), body.data(), array.whole.size() * 8);
  } else {
    throw std::runtime_error("unexpected dtype in .npy: " + std::string(header));
  }
  return array;
}

Array read_npy(const std::filesystem::path& path) { return parse_npy(read_file(path, kMostBytes)); }

std::map<std::string, Array> read_npz(const std::filesystem::path& path) {
  const std::string zip = read_file(path, kMostBytes);
  std::map<std::string, Array> arrays;
  // Local file headers one after the other; sizes as NumPy writes them, in the zip64 field if not in the
  // header.
  for (std::size_t at = 0; zip.compare(at, 4, "PK\x03\x04") == 0;) {
    const std::size_t name_bytes = number_at<std::uint16_t>(zip, at + 26);
    const std::size_t extra_bytes = number_at<std::uint16_t>(zip, at + 28);
    std::uint64_t size = number_at<std::uint32_t>(zip, at + 18);
    const std::string name = zip.substr(at + 30, name_bytes);
    if (size == 0xFFFFFFFF) size = number_at<std::uint64_t>(zip, at + 30 + name_bytes + 12);
    const std::size_t body = at + 30 + name_bytes + extra_bytes;
    arrays[name.substr(0, name.size() - 4)] = parse_npy(std::string_view(zip).substr(body, size));
    at = body + size;
  }
  return arrays;
}

}  // namespace nestor::testing
