// The text of one source file from beginning to end: a file, a pipe or standard input, unpacked where they
// begin as a packed file does, and as UTF-8 where they are UTF-16 or UTF-32.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

namespace nestor::corpus {

class ByteSource {
 public:
  /// `name` is a path, or "-" for standard input. Throws Error: not_found, io; bad_input for what is no text,
  /// which the message names.
  ByteSource(const std::string& name, const std::stop_token& stop);
  ~ByteSource();

  /// Fills the beginning of `out`; 0 at the end. Throws Error: io; bad_input for a damaged or cut packed
  /// file; limit for one that needs more than 1 GiB to unpack; cancelled when a stop is asked for, also while
  /// a pipe keeps silent.
  std::size_t read(std::span<char> out);

  /// Bytes taken from the file, before unpacking.
  std::uint64_t consumed() const;
  const std::string& name() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::corpus
