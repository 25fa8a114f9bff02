#include "base/large_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "base/random.h"

namespace nestor {
namespace {

constexpr std::uint64_t kLarge = std::uint64_t{2} << 20;

std::byte* address_of(const MappedPart& part) {
  return const_cast<std::byte*>(part.mapping->bytes().data()) + part.begin;
}

// The whole large pages of a part, by their addresses.
struct Pages {
  std::byte* first;
  std::uint64_t count;

  explicit Pages(const MappedPart& part) : first(address_of(part)), count(0) {
    const std::uint64_t before = (kLarge - reinterpret_cast<std::uintptr_t>(first) % kLarge) % kLarge;
    first += before;
    count = part.bytes > before ? (part.bytes - before) / kLarge : 0;
  }
  std::byte* page(std::uint64_t i) const { return first + i * kLarge; }
  std::uint64_t bytes() const { return count * kLarge; }
};

bool is_cached(std::byte* page) {
  const auto small = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::array<unsigned char, 1> first{}, last{};
  if (::mincore(page, small, first.data()) != 0) return false;
  if (::mincore(page + kLarge - small, small, last.data()) != 0) return false;
  return (first[0] & last[0] & 1) != 0;
}

void touch(const std::byte* page) { static_cast<void>(*static_cast<const volatile std::byte*>(page)); }

// Whether touching one byte of each of these stretches of 2 MiB maps at least three quarters of them in one
// page.
bool are_large(std::span<std::byte* const> pages) {
  for (std::byte* page : pages)
    ::madvise(page, kLarge, MADV_DONTNEED);  // of the mapping: the file stays in memory
  const std::uint64_t before = bytes_in_large_pages();
  for (const std::byte* page : pages) touch(page);
  return bytes_in_large_pages() - before >= pages.size() * kLarge * 3 / 4;
}

// Unmaps and syncs first: the system keeps pages that are mapped or not yet on the disk.
void drop(const MappedPart& part) {
  const Pages pages(part);
  ::madvise(pages.first, pages.bytes(), MADV_DONTNEED);
  ::fdatasync(part.file->descriptor());
  ::posix_fadvise(part.file->descriptor(), static_cast<off_t>(part.begin), static_cast<off_t>(part.bytes),
                  POSIX_FADV_DONTNEED);
}

}  // namespace

std::uint64_t bytes_in_large_pages() { return value_of("/proc/self/smaps_rollup", "FilePmdMapped:") * 1024; }

void join_neighbours(std::vector<MappedPart>& parts) {
  std::ranges::sort(parts, {}, [](const MappedPart& part) { return std::pair(part.file, part.begin); });
  std::vector<MappedPart> joined;
  for (const MappedPart& part : parts) {
    const bool next = !joined.empty() && joined.back().file == part.file &&
                      part.begin <= joined.back().begin + joined.back().bytes + kLarge;
    if (next) {
      joined.back().bytes = std::max(joined.back().bytes, part.begin + part.bytes - joined.back().begin);
    } else {
      joined.push_back(part);
    }
  }
  parts = std::move(joined);
}

bool are_in_small_pages(std::span<const MappedPart> parts) {
  constexpr std::uint64_t kLooks = 64;
  std::vector<std::byte*> cached;
  const MappedPart* largest = nullptr;
  for (const MappedPart& part : parts) {
    if (largest == nullptr || part.bytes > largest->bytes) largest = &part;
    const Pages pages(part);
    // At random, as pages lie in patterns of how they were written.
    const auto looks = std::min(kLooks, pages.count);
    for (std::uint64_t i = 0; i < looks; ++i) {
      const auto at =
          static_cast<std::uint64_t>(uniform(5, i, part.begin) * static_cast<double>(pages.count));
      if (is_cached(pages.page(at))) cached.push_back(pages.page(at));
    }
  }
  std::ranges::sort(cached);
  cached.erase(std::unique(cached.begin(), cached.end()), cached.end());
  if (cached.empty() || are_large(cached)) return false;
  // Does reading again help here?
  constexpr std::uint64_t kTrial = std::uint64_t{64} << 20;
  const Pages pages(*largest);
  MappedPart trial = *largest;
  trial.begin = static_cast<std::uint64_t>(pages.first - address_of(*largest)) + largest->begin;
  trial.bytes = std::min(kTrial, pages.count * kLarge);
  NoProgress nobody;
  read_into_large_pages({&trial, 1}, nobody);
  std::vector<std::byte*> read;
  for (std::uint64_t i = 0; i < trial.bytes / kLarge; ++i) read.push_back(pages.page(i));
  return are_large(read);
}

void read_into_large_pages(std::span<const MappedPart> parts, ProgressSink& progress) {
  constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, which headers may lack
  constexpr std::uint64_t kAtOnce = std::uint64_t{8} << 20;
  std::uint64_t total = 0;
  for (const MappedPart& part : parts) total += Pages(part).bytes();
  std::uint64_t done = 0;
  for (const MappedPart& part : parts) {
    const Pages pages(part);
    if (pages.count == 0) continue;
    part.mapping->advise_large_pages(part.begin, part.bytes);
    drop(part);
    // By faults, which read whole large pages where read() brings what its window of readahead holds.
    for (std::uint64_t at = 0; at < pages.bytes(); at += kAtOnce) {
      const std::uint64_t bytes = std::min(kAtOnce, pages.bytes() - at);
      if (::madvise(pages.first + at, bytes, kPopulateRead) != 0) return;  // read when it is used, then
      progress.advance("weights into large pages", done += bytes, total);
    }
  }
}

}  // namespace nestor
