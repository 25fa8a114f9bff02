// A weight that is not finite: every command that computes or converts refuses, and writes nothing.
#include <gtest/gtest.h>

#include <cstring>

#include "base/dtype.h"
#include "linked_model.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

struct Damage {
  std::string tensor;
  float value = 0;
  bool everywhere = false;  // of tables only the rows of a text are read
};

// The story model's weights with values of one tensor replaced.
std::string damaged(const Damage& damage) {
  std::string bytes = bytes_of(story() + "/model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const Json header = parse_json(std::string_view(bytes).substr(8, length), "header");
  const Json& tensor = header.at(damage.tensor);
  const std::size_t width = tensor["dtype"] == "F32" ? 4 : 2;
  char value[4];
  std::memcpy(value, &damage.value, sizeof value);
  const auto begin = static_cast<std::size_t>(8 + length + tensor["data_offsets"][0].get<std::uint64_t>());
  const auto end = static_cast<std::size_t>(8 + length + tensor["data_offsets"][1].get<std::uint64_t>());
  const std::size_t middle = begin + (end - begin) / 2 / width * width;
  for (std::size_t at = damage.everywhere ? begin : middle; at < (damage.everywhere ? end : middle + width);
       at += width) {
    bytes.replace(at, width, value + 4 - width, width);  // bfloat16 is the upper half
  }
  return bytes;
}

std::vector<Damage> damages() {
  const float nan = std::nanf(""), infinity = HUGE_VALF;
  std::vector<Damage> all;
  for (const char* table : {"model.embed_tokens.weight", "model.ngram_embeddings.embedders.0.weight"}) {
    all.push_back({table, nan, true});
    all.push_back({table, infinity, true});
  }
  for (const char* tensor :
       {"model.norm.weight", "lm_head.weight", "model.layers.0.mlp.router.classifier.weight",
        "model.layers.0.input_layernorm.1.weight", "model.layers.0.self_attn.0.kv_a_layernorm.weight",
        "model.layers.0.self_attn.1.q_a_proj.weight", "model.layers.0.mlps.0.down_proj.weight",
        "model.ngram_embeddings.post_projs.2.weight"}) {
    all.push_back({tensor, nan});
    all.push_back({tensor, infinity});
    all.push_back({tensor, -infinity});
  }
  return all;
}

class DamagedWeights : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedWeights, AreRefused) {
  const LinkedModel model;
  model.replace("model.safetensors", damaged(GetParam()));
  const Scratch scratch;
  const std::string text =
      scratch.write("text.txt", "Once upon a time there was a little girl who liked to play.");
  const std::string out = (scratch / "out").string();
  const std::string reason = "the weights are damaged";
  expect_error({"run", model.folder(), "-p", "Once upon a time", "-n", "2"}, 1, reason);
  expect_error({"logits", model.folder(), "--ids", "1 7 9 12", "--out", out}, 1, reason);
  expect_error({"eval", model.folder(), "--text", text}, 1, reason);
  expect_error({"eval", model.folder(), "--text", text, "--write-importance", out}, 1, reason);
  expect_error({"eval", story(), "--text", text, "--against", model.folder()}, 1, reason);
  const Outcome bench = nestor({"bench", model.folder(), "--prompt", "8", "--rounds", "1", "-n", "1",
                                "--depths", "0", "--sequences", "1"});
  EXPECT_EQ(bench.exit_code, 1);
  EXPECT_NE(bench.err.find(reason), std::string::npos) << bench.err;
  for (const char* format : {"bf16", "q4"}) {
    const Outcome converted = nestor(
        {"convert", model.folder(), out, "--weights", format, "--tables", format, "--scales", "absmax"});
    EXPECT_EQ(converted.exit_code, 1);
    EXPECT_NE(converted.err.find(GetParam().tensor + " holds a value that is not finite"), std::string::npos)
        << converted.err;
    EXPECT_EQ(converted.err.find("--keep"), std::string::npos) << converted.err;
    EXPECT_FALSE(fs::exists(scratch / "out/config.json"));
    fs::remove_all(out);
  }
  EXPECT_EQ(fs::exists(out), false);
}

INSTANTIATE_TEST_SUITE_P(Cli, DamagedWeights, ::testing::ValuesIn(damages()), [](const auto& test) {
  std::string name = test.param.tensor + (std::isnan(test.param.value) ? "_nan"
                                          : test.param.value > 0       ? "_inf"
                                                                       : "_minus_inf");
  std::ranges::replace(name, '.', '_');
  return name;
});

// Large is not damaged: what a format cannot hold can be kept.
TEST(DamagedWeights, ALargeValueIsKept) {
  const LinkedModel model;
  const std::string tensor = "model.layers.0.mlps.0.down_proj.weight";
  model.replace("model.safetensors", damaged({tensor, 2e38F}));
  const Scratch scratch;
  const std::string out = (scratch / "out").string();
  expect_error({"convert", model.folder(), out, "--weights", "q4"}, 1,
               "keep it with --keep " + tensor + "=bf16");
  fs::remove_all(out);
  EXPECT_EQ(nestor({"convert", model.folder(), out, "--weights", "q4", "--keep", tensor + "=bf16"}).exit_code,
            0);
}

}  // namespace
}  // namespace nestor::testing
