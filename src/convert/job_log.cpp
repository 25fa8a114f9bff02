#include "convert/job_log.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "checkpoint/safetensors.h"

namespace nestor::convert {
namespace {

constexpr std::uint64_t kMostLogBytes = 16U << 20;

Json json_of(const quant::Distortion& d) { return {d.count, d.squared_error, d.squared, d.largest_error}; }

quant::Distortion distortion_of(const Json& j) {
  return {j.at(0).get<std::int64_t>(), j.at(1).get<double>(), j.at(2).get<double>(), j.at(3).get<double>()};
}

}  // namespace

void Checksum::mix(std::uint64_t word) {
  state_ = std::rotl((state_ ^ word) * 0xFF51AFD7ED558CCDULL, 29) + 0x52DCE729;
}

void Checksum::add(std::span<const std::byte> bytes) {
  std::size_t i = 0;
  const auto one = [&] {
    pending_ |= static_cast<std::uint64_t>(bytes[i++]) << (8 * (count_ % 8));
    if (++count_ % 8 == 0) mix(std::exchange(pending_, 0));
  };
  while (i < bytes.size() && count_ % 8 != 0) one();
  for (; i + 8 <= bytes.size(); i += 8, count_ += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    mix(word);
  }
  while (i < bytes.size()) one();
}

std::uint64_t Checksum::value() const {
  Checksum last = *this;
  last.mix(pending_);
  last.mix(count_);
  return last.state_;
}

Checksums checksums_of(const std::filesystem::path& path) {
  const InputFile file(path);
  std::vector<std::byte> head(8);
  if (file.size() < head.size()) fail(ErrorKind::bad_input, "{}: too short", path.string());
  file.read_at(0, head);
  std::uint64_t length = 0;
  std::memcpy(&length, head.data(), sizeof length);
  if (length > file.size() - 8) fail(ErrorKind::bad_input, "{}: cut off in its header", path.string());
  std::vector<std::byte> piece;
  const auto sum_of = [&](std::uint64_t at, std::uint64_t end) {
    Checksum sum;
    for (; at < end; at += piece.size()) {
      piece.resize(std::min<std::uint64_t>(1U << 20, end - at));
      file.read_at(at, piece);
      sum.add(piece);
    }
    return sum.value();
  };
  return {sum_of(0, 8 + length), sum_of(8 + length, file.size())};
}

JobLog::JobLog(const FolderLock& lock, Json job) : folder_(lock.folder()) {
  std::error_code error;
  const auto path = folder_ / kFile;
  log_ = {{"job", std::move(job)}, {"shards", Json::object()}};
  if (std::filesystem::exists(path, error)) {
    const Json found = read_json(path, kMostLogBytes);
    const bool ours = found.is_object() && found.contains("job") && found.contains("shards") &&
                      found["shards"].is_object() && found["job"] == log_["job"];
    if (!ours) {
      fail(ErrorKind::usage,
           "{}: holds an unfinished conversion of other files or with other options; remove the folder or "
           "choose "
           "another",
           folder_.string());
    }
    log_ = found;
    for (const std::string& name : names_in(folder_)) {  // of a process that was killed
      if (name.ends_with(".tmp")) std::filesystem::remove(folder_ / name, error);
    }
    return;
  }
  if (!lock.holds_nothing_else()) {
    fail(ErrorKind::usage, "{}: already there and not empty; choose another folder", folder_.string());
  }
  write_file(path, to_text(log_, 1) + "\n");
}

std::optional<FinishedShard> JobLog::finished(const std::string& file) const {
  try {
    const Json& shard = log_.at("shards").at(file);
    FinishedShard found{{shard.at("header").get<std::uint64_t>(), shard.at("body").get<std::uint64_t>()},
                        distortion_of(shard.at("weights")),
                        distortion_of(shard.at("tables"))};
    if (checksums_of(folder_ / file) == found.checksums) return found;
  } catch (const Json::exception&) {  // not in the log, or not as we write it
  } catch (const Error&) {            // the file is gone or damaged
  }
  return std::nullopt;
}

void JobLog::add(const std::string& file, const FinishedShard& shard) {
  log_["shards"][file] = {{"header", shard.checksums.header},
                          {"body", shard.checksums.body},
                          {"weights", json_of(shard.weights)},
                          {"tables", json_of(shard.tables)}};
  write_file(folder_ / kFile, to_text(log_, 1) + "\n");
}

void JobLog::remove() const {
  std::error_code error;
  std::filesystem::remove(folder_ / kFile, error);
}

}  // namespace nestor::convert
