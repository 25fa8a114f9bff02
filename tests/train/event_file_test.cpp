// TensorBoard event files: records and messages taken apart by a second reader.
#include "train/loop/event_file.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "base/crc32c.h"
#include "base/file.h"
#include "support/scratch_folder.h"

namespace nestor::train {
namespace {

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::uint32_t unmasked(std::uint64_t stored) {
  const auto rotated = static_cast<std::uint32_t>(stored) - 0xA282EAD8U;
  return rotated >> 17 | rotated << 15;
}

std::vector<std::string> records(std::string_view file) {
  std::vector<std::string> found;
  while (!file.empty()) {
    const std::uint64_t length = number_at(file, 0, 8);
    EXPECT_EQ(unmasked(number_at(file, 8, 4)), crc32c(file.substr(0, 8)));
    found.emplace_back(file.substr(12, length));
    EXPECT_EQ(unmasked(number_at(file, 12 + length, 4)), crc32c(found.back()));
    file.remove_prefix(16 + length);
  }
  return found;
}

// Fields of a protocol buffer: bytes as they are, numbers as 64 bits.
std::multimap<int, std::string> fields(std::string_view message) {
  std::multimap<int, std::string> found;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.front());
      message.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
  };
  while (!message.empty()) {
    const std::uint64_t tag = varint();
    std::size_t size = tag % 8 == 1 ? 8 : 4;
    if (tag % 8 == 0) {
      found.emplace(static_cast<int>(tag / 8), std::to_string(varint()));
      continue;
    }
    if (tag % 8 == 2) size = varint();
    found.emplace(static_cast<int>(tag / 8), message.substr(0, size));
    message.remove_prefix(size);
  }
  return found;
}

TEST(EventFile, HoldsWhatWasAdded) {
  const testing::ScratchFolder scratch;
  EventFile file(scratch.path() / "events", 301);
  const std::vector<Scalar> scalars = {{"train/loss", 3.25}, {"speed", 1e6}};
  file.add(310, scalars);
  const auto entry = *std::filesystem::directory_iterator(scratch.path() / "events");
  EXPECT_TRUE(entry.path().filename().string().starts_with("events.out.tfevents."));
  const std::vector<std::string> events = records(read_file(entry.path(), 1 << 20));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(fields(events[0]).find(3)->second, "brain.Event:2");
  EXPECT_EQ(fields(events[1]).find(2)->second, "301");
  EXPECT_EQ(fields(fields(events[1]).find(7)->second).find(1)->second, "1");  // SessionLog.START
  const auto event = fields(events[2]);
  EXPECT_EQ(event.find(2)->second, "310");
  std::map<std::string, float> values;
  const auto summary = fields(event.find(5)->second);
  for (const auto& [number, value] : summary) {
    const auto item = fields(value);
    values[item.find(1)->second] =
        std::bit_cast<float>(static_cast<std::uint32_t>(number_at(item.find(2)->second, 0, 4)));
  }
  EXPECT_EQ(values, (std::map<std::string, float>{{"train/loss", 3.25F}, {"speed", 1e6F}}));
}

}  // namespace
}  // namespace nestor::train
