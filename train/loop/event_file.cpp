#include "train/loop/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <chrono>

#include "base/crc32c.h"
#include "base/error.h"

namespace nestor::train {
namespace {

// tensorflow/core/lib/hash/crc32c.h: rotated and offset, so that a CRC of data that holds CRCs stays good.
std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U; }

template <typename Number>
std::string little_endian(Number value) {
  std::string out;
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
  return out;
}

// Wire types of protocol buffers.
enum Wire : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80U));
  out.push_back(static_cast<char>(value));
  return out;
}

std::string tag(unsigned field, Wire wire) { return varint(field << 3 | wire); }
std::string whole_field(unsigned field, std::int64_t value) {
  return tag(field, kVarint) + varint(static_cast<std::uint64_t>(value));
}
std::string double_field(unsigned field, double value) {
  return tag(field, kFixed64) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string float_field(unsigned field, float value) {
  return tag(field, kFixed32) + little_endian(std::bit_cast<std::uint32_t>(value));
}
std::string bytes_field(unsigned field, std::string_view value) {
  return tag(field, kBytes) + varint(value.size()) + std::string(value);
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Field numbers of event.proto and summary.proto.
constexpr unsigned kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
constexpr unsigned kSummaryValue = 1, kValueTag = 1, kSimpleValue = 2;
constexpr unsigned kSessionStatus = 1, kSessionStart = 1;

}  // namespace

std::string tf_record(std::string_view payload) {
  const std::string length = little_endian(static_cast<std::uint64_t>(payload.size()));
  return length + little_endian(masked(crc32c(length))) + std::string(payload) +
         little_endian(masked(crc32c(payload)));
}

EventFile::EventFile(const std::filesystem::path& folder, std::int64_t first_step) {
  std::filesystem::create_directories(folder);
  path_ = folder / fmt::format("events.out.tfevents.{:.0f}.{}.nestor", now(), ::getpid());
  out_.open(path_, std::ios::binary | std::ios::app);
  write(double_field(kWallTime, now()) + bytes_field(kFileVersion, "brain.Event:2"));
  write(double_field(kWallTime, now()) + whole_field(kStep, first_step) +
        bytes_field(kSessionLog, whole_field(kSessionStatus, kSessionStart)));
}

void EventFile::add(std::int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const auto& [name, value] : scalars) {
    const std::string item =
        bytes_field(kValueTag, name) + float_field(kSimpleValue, static_cast<float>(value));
    summary += bytes_field(kSummaryValue, item);
  }
  write(double_field(kWallTime, now()) + whole_field(kStep, step) + bytes_field(kSummary, summary));
}

void EventFile::write(std::string_view payload) {
  const std::string record = tf_record(payload);
  out_.write(record.data(), static_cast<std::streamsize>(record.size()));
  out_.flush();
  if (!out_) fail(ErrorKind::io, "{}: cannot write; is the disk full?", path_.string());
}

}  // namespace nestor::train
