// Packed files, unpacked while they are read: xz, gzip, Zstandard, bzip2, each also as several after each
// other.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "corpus/byte_stream.h"

namespace nestor::corpus {

/// How many bytes at the beginning of a file tell how it is packed.
inline constexpr std::size_t kPackedHead = 8;

/// A stream of what is packed in `from`, if that begins with `head`; null if it is not packed. `name` is for
/// messages. Reading throws Error: bad_input for a damaged or cut file, limit for one that needs more than 1
/// GiB.
std::unique_ptr<ByteStream> unpacking(std::string_view head, ByteStream& from, const std::string& name);

/// The name without the ending of a packed file: "a.txt.gz" is "a.txt".
std::string without_packing(const std::string& name);

}  // namespace nestor::corpus
