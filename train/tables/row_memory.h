// The bytes of a table: zeros at first, in memory or in a mapped file, taken from the system as they are
// touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace nestor::train {

class RowMemory {
 public:
  /// Anonymous memory, in huge pages where the system gives them. Error(limit) if it refuses.
  static RowMemory resident(std::uint64_t bytes);
  /// A sparse file in `folder` that may be larger than memory: the system writes pages back and drops them.
  /// It has no name any more once this returns, so that it vanishes with the process. Error(limit) if the
  /// disk has less room.
  static RowMemory mapped(std::uint64_t bytes, const std::filesystem::path& folder);

  ~RowMemory();
  RowMemory(RowMemory&& other) noexcept;
  RowMemory& operator=(RowMemory&&) = delete;
  RowMemory(const RowMemory&) = delete;
  RowMemory& operator=(const RowMemory&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::uint64_t bytes() const { return bytes_; }

  /// Of a mapped file, starts reading the pages of `length` bytes at each of `offsets` (in bytes, ascending
  /// is best) that are not in memory, all at once instead of one after the other as they are touched.
  void expect(std::span<const std::uint64_t> offsets, std::uint64_t length) const;
  bool is_mapped_file() const { return mapped_file_; }

 private:
  RowMemory(std::byte* data, std::uint64_t bytes, bool mapped_file)
      : data_(data), bytes_(bytes), mapped_file_(mapped_file) {}

  std::byte* data_ = nullptr;
  std::uint64_t bytes_ = 0;
  bool mapped_file_ = false;
};

}  // namespace nestor::train
