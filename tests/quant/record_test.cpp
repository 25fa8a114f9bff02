// Records: every code of every width back again, and no record across a page.
#include "quant/record.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "quant/encoding.h"
#include "quant/number.h"

namespace nestor::quant {
namespace {

TEST(Record, EveryCodeComesBack) {
  for (const Encoding& encoding : encodings(Encoding::Layout::records)) {
    const int bits = encoding.bits;
    const Levels levels = levels_of(bits);
    for (const std::int64_t width : {1, 7, 31, 32, 33, 256, 300}) {
      std::vector<float> values;
      for (std::int64_t i = 0; i < width; ++i) {
        const std::int64_t code = levels.low + i * 7 % (levels.high - levels.low + 1);
        values.push_back(2 * static_cast<float>(code));
      }
      for (std::int64_t i = 0; i < width; i += 32) {  // every block has the outermost code: the scale is 2
        values[static_cast<std::size_t>(i)] = 2 * static_cast<float>(levels.low);
      }
      const RecordFormat format{bits, width};
      std::vector<std::uint8_t> record(static_cast<std::size_t>(format.bytes() + 1), 0x5C);
      encode_record(format, values, ScaleRule::absmax, record.data());
      EXPECT_EQ(record.back(), 0x5C);
      std::vector<float> back(values.size());
      decode_record(format, record.data(), back.data());
      EXPECT_EQ(back, values) << bits << " bits, width " << width;
    }
  }
}

TEST(Record, TheLayoutByHand) {
  const RecordFormat format{3, 5};
  EXPECT_EQ(format.bytes(), 2 + 2);
  std::vector<std::uint8_t> record(4);
  encode_record(format, std::vector<float>{-4, -3, 0, 3, 1}, ScaleRule::absmax, record.data());
  EXPECT_EQ(record[0] | record[1] << 8, to_bf16(1.0F));
  // Codes 0, 1, 4, 7, 5 from the lowest bit on.
  EXPECT_EQ(record[2] | record[3] << 8, 0 | 1 << 3 | 4 << 6 | 7 << 9 | 5 << 12);
}

TEST(Record, NoRecordCrossesAPage) {
  for (const Encoding& encoding : encodings(Encoding::Layout::records)) {
    const int bits = encoding.bits;
    for (const std::int64_t width : {1, 32, 256, 3072}) {
      const RecordFormat format{bits, width};
      if (format.bytes() > kPageBytes) continue;
      std::int64_t end = 0;
      for (std::int64_t row = 0; row < 5000; ++row) {
        const std::int64_t at = format.offset(row);
        ASSERT_GE(at, end);
        ASSERT_EQ(at / kPageBytes, (at + format.bytes() - 1) / kPageBytes);
        end = at + format.bytes();
      }
      EXPECT_LE(end, format.pages(5000) * kPageBytes);
      EXPECT_GT(end, (format.pages(5000) - 1) * kPageBytes);
    }
  }
  EXPECT_EQ((RecordFormat{4, 256}.bytes()), 144);  // 28 in a page
  const RecordFormat large{8, 6144};
  EXPECT_EQ(large.offset(3), 3 * large.bytes());
  EXPECT_EQ(large.pages(3), (3 * large.bytes() + 4095) / 4096);
}

TEST(Record, FewerBitsAreWorseAndSearchIsBetter) {
  std::vector<float> values;
  for (std::uint64_t i = 0; i < 32768; ++i) values.push_back(normal_pair(5, i, 0)[0]);
  double before = 0;
  for (const Encoding& encoding : encodings(Encoding::Layout::records)) {
    const int bits = encoding.bits;
    const RecordFormat format{bits, std::ssize(values)};
    std::vector<std::uint8_t> record(static_cast<std::size_t>(format.bytes()));
    std::vector<float> back(values.size());
    const auto error = [&](ScaleRule rule) {
      encode_record(format, values, rule, record.data());
      decode_record(format, record.data(), back.data());
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i) sum += std::pow(back[i] - values[i], 2);
      return std::sqrt(sum / static_cast<double>(values.size()));
    };
    const double absmax = error(ScaleRule::absmax);
    const double searched = error(ScaleRule::search);
    RecordProperty(std::to_string(bits) + "_bits", std::to_string(absmax) + " " + std::to_string(searched));
    EXPECT_LE(searched, absmax);
    EXPECT_GT(searched, before);
    before = searched;
  }
}

}  // namespace
}  // namespace nestor::quant
