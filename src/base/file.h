// Files: bounded reads, read-only mappings, positioned reads, and writes that are complete or absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace nestor {

/// The whole file as bytes. Throws Error: not_found, io, or limit if it is larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// A file opened for reading. Thread-safe after construction. Symbolic links are followed.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

  /// Reads exactly out.size() bytes at `offset`. A shorter file (truncated meanwhile) is Error(io).
  void read_at(std::uint64_t offset, std::span<std::byte> out) const;

  /// Where bytes are.
  enum class Source {
    memory,   // the page cache has all of them
    disk,     // they have to be waited for
    unknown,  // this file system does not tell
  };
  /// The same if it needs no waiting: only with Source::memory is `out` what the file holds.
  Source read_cached(std::uint64_t offset, std::span<std::byte> out) const;

  /// Asks the disk for these bytes without waiting for them. Advice: errors show in the read.
  void will_need(std::uint64_t offset, std::uint64_t length) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// A read-only, shared mapping of a whole file. Empty files map to an empty span.
class MappedFile {
 public:
  explicit MappedFile(const InputFile& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Asks for large pages in [offset, offset+length): faster to read over and over. The kernel can give them
  /// where it reads the file for the first time, on file systems that have large folios.
  void advise_large_pages(std::uint64_t offset, std::uint64_t length) const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Writes to `path` under a temporary name beside it; commit() syncs and renames. Without commit nothing is
/// left.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// write + commit in one call.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace nestor
