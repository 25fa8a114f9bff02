#include "base/large_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/memory.h"

namespace nestor {
namespace {

constexpr std::uint64_t kLarge = std::uint64_t{2} << 20;

std::byte* address_of(const MappedPart& part) {
  return const_cast<std::byte*>(part.mapping->bytes().data()) + part.begin;
}

// The whole large pages of a part, by their addresses.
struct Pages {
  std::uintptr_t begin, end;

  explicit Pages(const MappedPart& part) {
    const auto at = reinterpret_cast<std::uintptr_t>(address_of(part));
    begin = (at + kLarge - 1) / kLarge * kLarge;
    end = std::max((at + part.bytes) / kLarge * kLarge, begin);
  }
  std::uint64_t count() const { return (end - begin) / kLarge; }
  std::byte* page(std::uint64_t i) const { return reinterpret_cast<std::byte*>(begin + i * kLarge); }
};

bool is_cached(std::byte* page) {
  const auto small = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::array<unsigned char, 1> first{}, last{};
  if (::mincore(page, small, first.data()) != 0) return false;
  if (::mincore(page + kLarge - small, small, last.data()) != 0) return false;
  return (first[0] & last[0] & 1) != 0;
}

void touch(const std::byte* page) { static_cast<void>(*static_cast<const volatile std::byte*>(page)); }

// Of some large pages, the bytes that touching one byte of each maps in large pages.
std::uint64_t mapped_by_touching(std::span<std::byte* const> pages) {
  for (std::byte* page : pages)
    ::madvise(page, kLarge, MADV_DONTNEED);  // of the mapping: the file stays in memory
  const std::uint64_t before = bytes_in_large_pages();
  for (const std::byte* page : pages) touch(page);
  return bytes_in_large_pages() - before;
}

// What this process maps would stay in memory, and what is not on the disk yet too.
void drop(const MappedPart& part) {
  const Pages pages(part);
  ::madvise(pages.page(0), pages.end - pages.begin, MADV_DONTNEED);
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
  constexpr std::uint64_t kLooks = 32;
  std::uint64_t all = 0;
  for (const MappedPart& part : parts) all += Pages(part).count();
  std::vector<std::byte*> cached;
  const MappedPart* sample = nullptr;  // with something cached
  for (const MappedPart& part : parts) {
    const Pages pages(part);
    for (std::uint64_t i = 0; i < pages.count(); i += std::max<std::uint64_t>(all / kLooks, 1)) {
      if (!is_cached(pages.page(i))) continue;
      cached.push_back(pages.page(i));
      if (sample == nullptr || part.bytes > sample->bytes) sample = &part;
    }
  }
  if (cached.empty() || mapped_by_touching(cached) >= cached.size() * kLarge / 2) return false;
  // Small ones; does reading again help here?
  constexpr std::uint64_t kTrial = std::uint64_t{64} << 20;
  const Pages pages(*sample);
  const std::uint64_t first = reinterpret_cast<std::uintptr_t>(pages.page(0)) -
                              reinterpret_cast<std::uintptr_t>(sample->mapping->bytes().data());
  MappedPart trial = *sample;
  trial.begin = first;
  trial.bytes = std::min(kTrial, pages.count() * kLarge);
  NoProgress nobody;
  read_into_large_pages({&trial, 1}, nobody);
  std::vector<std::byte*> read;
  for (std::uint64_t i = 0; i < trial.bytes / kLarge; ++i) read.push_back(pages.page(i));
  return mapped_by_touching(read) >= read.size() * kLarge / 2;
}

void read_into_large_pages(std::span<const MappedPart> parts, ProgressSink& progress) {
  std::vector<std::byte> buffer(std::size_t{8} << 20);
  std::uint64_t total = 0;
  for (const MappedPart& part : parts) total += part.bytes;
  std::uint64_t done = 0;
  for (const MappedPart& part : parts) {
    part.mapping->advise_large_pages(part.begin, part.bytes);
    if (Pages(part).count() > 0) drop(part);
    for (std::uint64_t at = 0; at < part.bytes; at += buffer.size()) {
      const auto count = std::min<std::uint64_t>(buffer.size(), part.bytes - at);
      part.file->read_at(part.begin + at, std::span(buffer).first(static_cast<std::size_t>(count)));
      progress.advance("weights into large pages", done += count, total);
    }
  }
}

}  // namespace nestor
