// nestor logits: the NumPy file against the goldens, and equal paths.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "program.h"
#include "support/npy.h"

namespace nestor::testing {
namespace {

// The contract of the product: within 2e-4 of the largest logit's magnitude.
constexpr double kTolerance = 2e-4;

double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  double distance = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(b[i])));
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    distance = std::isnan(d) ? INFINITY : std::max(distance, d);
  }
  return distance / largest;
}

class Logits : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& model, const std::string& ids, Arguments more = {}) {
    const auto out = scratch_ / ("out" + std::to_string(count_++) + ".npy");
    more.insert(more.begin(), {"logits", model, "--ids", ids, "--out", out.string()});
    EXPECT_EQ(output_of(more), "");
    return out;
  }

 private:
  Scratch scratch_;
  int count_ = 0;
};

TEST_F(Logits, EqualTheGoldens) {
  for (const std::string name : {"lite_small", "n3k2", "plain_flash", "fp8", "fp32_names", "eos_list"}) {
    const std::string folder = "golden/" + name;
    for (const Json& golden : read_test_json(folder + "/expected/cases.json")) {
      SCOPED_TRACE(name + " " + golden["name"].get<std::string>());
      const auto ids = golden["ids"].get<std::vector<TokenId>>();
      const Array got = read_npy(write(test_data(folder), spaced(ids), {"--dtype", "f32"}));
      const Array expected = read_npy(test_data(folder + "/expected/" + golden["logits"].get<std::string>()));
      ASSERT_EQ(got.shape, expected.shape);
      EXPECT_LE(relative_distance(got.floats, expected.floats), kTolerance);
    }
  }
}

TEST_F(Logits, ChunksOfAnySizeGiveTheSameBytes) {
  std::string ids = "63";
  for (int i = 1; i < 40; ++i) ids += " " + std::to_string(i * 97 % 4096);
  for (const std::string kernels : {"reference", "auto"}) {
    const std::string whole = bytes_of(write(story(), ids, {"--kernels", kernels}));
    for (const std::string chunk : {"1", "3", "7", "39", "40", "1000"}) {
      EXPECT_TRUE(bytes_of(write(story(), ids, {"--kernels", kernels, "--chunk", chunk})) == whole)
          << kernels << " " << chunk;
    }
  }
}

TEST_F(Logits, KernelSetsAgree) {
  const std::string ids = "63 1883 601 275 594 482 325 275 634 1786 299 1937 311 279 1021 28 2 292";
  const Array reference = read_npy(write(story(), ids, {"--kernels", "reference"}));
  for (const Arguments& more :
       std::vector<Arguments>{{}, {"--chunk", "1"}, {"--chunk", "5"}, {"--threads", "1"}}) {
    EXPECT_LE(relative_distance(read_npy(write(story(), ids, more)).floats, reference.floats), kTolerance);
  }
}

TEST_F(Logits, ThreadsDoNotMatter) {
  const std::string ids = "63 1883 601 275 594 482 325";
  EXPECT_TRUE(bytes_of(write(story(), ids, {"--threads", "1"})) ==
              bytes_of(write(story(), ids, {"--threads", "3"})));
}

// A bfloat16 cache has 8 significant bits: close, but not the same numbers.
TEST_F(Logits, TheCacheTypeMatters) {
  const std::string ids = "63 1883 601 275 594 482 325";
  const Array exact = read_npy(write(story(), ids, {"--dtype", "f32"}));
  const Array rounded = read_npy(write(story(), ids, {"--dtype", "bf16"}));
  EXPECT_EQ(exact.shape, rounded.shape);
  EXPECT_NE(exact.floats, rounded.floats);
}

TEST_F(Logits, AnExistingFileIsReplacedAndAFailureLeavesIt) {
  const auto out = write(story(), "63 1883");
  const std::string before = bytes_of(out);
  expect_error({"logits", story(), "--ids", "9999", "--out", out.string()}, 1, "9999");
  EXPECT_TRUE(bytes_of(out) == before);
  output_of({"logits", story(), "--ids", "63", "--out", out.string()});
  EXPECT_EQ(read_npy(out).rows(), 1);
}

}  // namespace
}  // namespace nestor::testing
