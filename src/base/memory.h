// How much memory there is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace nestor {

/// Bytes, by the system and by the control groups that the process is in. Where the system does not tell, as
/// much as anyone could want.
struct SystemMemory {
  std::uint64_t total = 0;
  /// What new allocations may take without swapping; files that memory holds give way to them.
  std::uint64_t available = 0;
};
SystemMemory system_memory();

/// The number after `key` in a file of keys and numbers such as /proc/meminfo; 0 if there is none.
std::uint64_t value_of(const std::filesystem::path& file, const std::string& key);

/// Returns to the system what has been freed and the allocator keeps, which may be all of a large request
/// that was made of many small pieces. Takes milliseconds; does nothing where the allocator knows no such
/// thing.
void give_back_memory();

/// "12.34 GB", "5.6 MB" or "7.8 kB", of powers of ten.
std::string bytes_text(std::uint64_t bytes);

}  // namespace nestor
