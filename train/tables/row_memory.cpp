#include "train/tables/row_memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/error.h"

namespace nestor::train {

RowMemory RowMemory::resident(std::uint64_t bytes) {
  void* address =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    fail(ErrorKind::limit,
         "cannot get {} bytes of memory for a table: {}; \"storage\": \"mapped\" needs less", bytes,
         std::strerror(errno));
  }
  // Rows are touched at random: with small pages every one would miss the TLB, and its page table the cache.
  ::madvise(address, bytes, MADV_HUGEPAGE);
  return RowMemory(static_cast<std::byte*>(address), bytes, false);
}

RowMemory RowMemory::mapped(std::uint64_t bytes, const std::filesystem::path& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) fail(ErrorKind::io, "cannot put a mapped table into {}: {}", folder.string(), error.message());
  // A full disk would end the process by a signal when a page is written back.
  if (space.available < bytes) {
    fail(ErrorKind::limit, "{}: a mapped table needs {} bytes of disk, {} are free", folder.string(), bytes,
         space.available);
  }
  std::string path = (folder / "table.XXXXXX").string();
  const int file = ::mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) fail(ErrorKind::io, "cannot create a file in {}: {}", folder.string(), std::strerror(errno));
  ::unlink(path.c_str());
  void* address = MAP_FAILED;
  // Space that is only promised would be promised to the next table, too.
  int code = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  if (code == 0) {
    address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    code = errno;
  }
  ::close(file);
  if (address == MAP_FAILED) {
    fail(ErrorKind::io, "cannot map {} bytes of a file in {}: {}", bytes, folder.string(),
         std::strerror(code));
  }
  ::madvise(address, bytes, MADV_RANDOM);
  return RowMemory(static_cast<std::byte*>(address), bytes, true);
}

RowMemory::RowMemory(RowMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      mapped_file_(other.mapped_file_) {}

void RowMemory::expect(std::span<const std::uint64_t> offsets, std::uint64_t length) const {
  if (!mapped_file_) return;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t begin = 0, end = 0;  // pages gathered for one call
  const auto ask = [&] {
    if (begin < end) ::madvise(data_ + begin * page, (end - begin) * page, MADV_WILLNEED);
  };
  for (const std::uint64_t offset : offsets) {
    const std::uint64_t first = offset / page, last = (offset + length - 1) / page + 1;
    if (first < begin || first > end) {
      ask();
      begin = first;
      end = first;
    }
    end = std::max(end, last);
  }
  ask();
}

RowMemory::~RowMemory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace nestor::train
