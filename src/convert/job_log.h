// What a conversion has finished so far, in a file of its folder: an interrupted one goes on from there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/folder_lock.h"
#include "base/json.h"
#include "quant/distortion.h"

namespace nestor::convert {

/// A mix of the bytes in order, for finding damage, not forgery.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  void mix(std::uint64_t word);

  std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
  std::uint64_t pending_ = 0;  // bytes of an unfinished word
  std::uint64_t count_ = 0;
};

/// Of the header of a safetensors file, its length included, and of everything after it.
struct Checksums {
  std::uint64_t header = 0;
  std::uint64_t body = 0;

  bool operator==(const Checksums&) const = default;
};

/// Error if the file cannot be read whole.
Checksums checksums_of(const std::filesystem::path& file);

struct FinishedShard {
  Checksums checksums;
  quant::Distortion weights;
  quant::Distortion tables;
};

class JobLog {
 public:
  static constexpr const char* kFile = "nestor-convert.json";

  /// `job` says what is made of what. Error(usage) if the folder holds files but no log, or the log of
  /// another job.
  JobLog(const FolderLock& lock, Json job);

  /// What the log says about a shard, if the file is there and its bytes are those that were written.
  std::optional<FinishedShard> finished(const std::string& file) const;

  void add(const std::string& file, const FinishedShard& shard);
  /// The conversion is complete, or has not begun: the log goes away.
  void remove() const;

 private:
  std::filesystem::path folder_;
  Json log_;
};

}  // namespace nestor::convert
