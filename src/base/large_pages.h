// Mapped files in pages of 2 MiB: weights are read over and over, and small pages halve the bandwidth of
// that.
//
// Linux gives large pages where it reads a file that asked for them (MappedFile::advise_large_pages). What
// was just written or downloaded is cached in small ones and stays so until it is dropped and read again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/progress.h"

namespace nestor {

/// A part of a file and where it is mapped.
struct MappedPart {
  const InputFile* file;
  const MappedFile* mapping;
  std::uint64_t begin, bytes;
};

/// Bytes of all mapped files that this process has touched and reads through pages of 2 MiB. 0 where the
/// system does not tell.
std::uint64_t bytes_in_large_pages();

/// Sorts parts by place and joins those of a file that touch or are less than a large page apart.
void join_neighbours(std::vector<MappedPart>& parts);

/// Whether the parts lie in memory in small pages and would lie in large ones if read again: looks at some
/// places of what is in memory, and reads one again (64 MiB at most) to see what this file system does.
bool are_in_small_pages(std::span<const MappedPart> parts);

/// Drops the parts from memory and reads them again. `progress` may throw to stop: what is missing is then
/// read when it is touched.
void read_into_large_pages(std::span<const MappedPart> parts, ProgressSink& progress);

}  // namespace nestor
