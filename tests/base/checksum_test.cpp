// Checksums: published values, pieces against the whole, and documents in which any bit flips.
#include <gtest/gtest.h>

#include "base/checked_json.h"
#include "base/crc32c.h"
#include "support/refusal.h"

namespace nestor::testing {
namespace {

// RFC 3720, appendix B.4, and the check value of CRC-32C in the usual catalogues.
TEST(Crc32c, PublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
  EXPECT_EQ(crc32c(ascending), 0x46DD794EU);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(Crc32c, PiecesMakeTheWhole) {
  std::string text;
  for (int i = 0; i < 67; ++i) text.push_back(static_cast<char>(i * 37));
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(std::string_view(text).substr(cut), crc32c(std::string_view(text).substr(0, cut))),
              crc32c(text))
        << cut;
  }
}

const Json kDocument = {{"a", 1}, {"list", {1.5, "two", nullptr}}, {"object", {{"threads", 2}}}};

TEST(CheckedJson, ComesBackAsItWas) {
  Json json = parse_json(to_text(with_checksum(kDocument), 2), "x");
  take_checksum(json, "x");
  EXPECT_EQ(json, kDocument);
}

TEST(CheckedJson, EveryFlippedBitIsFoundUnlessItChangesNothing) {
  const std::string text = to_text(with_checksum(kDocument), 2);
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    Json json;
    const auto refusal = refusal_of([&] {
      json = parse_json(damaged, "x");
      take_checksum(json, "x");
    });
    EXPECT_TRUE(refusal || json == kDocument) << damaged;
  }
}

TEST(CheckedJson, OneWithoutAChecksumIsRefused) {
  Json json = kDocument;
  EXPECT_REFUSED(take_checksum(json, "state.json", "do this"), ErrorKind::bad_input,
                 "state.json: damaged, its checksum is wrong; do this");
  Json list = Json::array();
  EXPECT_REFUSED(take_checksum(list, "state.json"), ErrorKind::bad_input, "state.json");
}

}  // namespace
}  // namespace nestor::testing
