// nestor inspect: the same facts as text and as JSON, with and without weights.
#include <gtest/gtest.h>

#include <map>

#include "linked_model.h"
#include "program.h"

namespace nestor::testing {
namespace {

// Counted by hand from config.json of the golden story model: H 192, V 4096, 6 tables of int(6.5 V + 2 i + 1)
// rows.
constexpr std::int64_t kTableRows = 6 * 26624 + (1 + 3 + 5 + 7 + 9 + 11);
constexpr std::int64_t kNgram = kTableRows * 32 + 6 * 192 * 32;

TEST(Inspect, ParametersOfTheStoryModel) {
  const Json found = json_of({"inspect", story(), "--json"});
  const Json& p = found["parameters"];
  EXPECT_EQ(found["architecture"], "LongcatFlashNgramForCausalLM");
  EXPECT_EQ(p["ngram"], kNgram);
  EXPECT_EQ(p["with_draft"], p["total"].get<std::int64_t>() + p["draft"].get<std::int64_t>());
  EXPECT_LT(p["activated_min"].get<std::int64_t>(), p["activated_max"].get<std::int64_t>());
  EXPECT_LT(p["activated_max"].get<std::int64_t>(), p["total"].get<std::int64_t>());
  std::int64_t sum = 0;
  for (const auto& [part, n] : p["by_part"].items()) sum += n.get<std::int64_t>();
  EXPECT_EQ(sum, p["with_draft"]);
  EXPECT_EQ(found["cache_values_per_token"], 4 * (64 + 16));  // 4 attentions, latent and rotary key
  EXPECT_EQ(found["draft"]["present"], true);
}

TEST(Inspect, BytesAndTensors) {
  const Json found = json_of({"inspect", story(), "--json"});
  std::int64_t elements = 0;
  for (const Json& tensor : found["tensors"]) {
    std::int64_t n = 1;
    for (const Json& d : tensor["shape"]) n *= d.get<std::int64_t>();
    elements += n;
    EXPECT_EQ(tensor["file"], "model.safetensors");
  }
  EXPECT_EQ(elements, found["parameters"]["with_draft"]);
  EXPECT_EQ(found["bytes"]["files"], std::filesystem::file_size(story() + "/model.safetensors"));
}

TEST(Inspect, NamesFilesOfWeightsThatTheIndexDoesNotKnow) {
  const LinkedModel model;
  Json index = {{"metadata", Json::object()}, {"weight_map", Json::object()}};
  const Json found = json_of({"inspect", story(), "--json"});
  EXPECT_EQ(found["unused_files"], Json::array());
  for (const Json& tensor : found["tensors"]) {
    index["weight_map"][tensor["name"].get<std::string>()] = "model.safetensors";
  }
  model.replace("model.safetensors.index.json", to_text(index));
  EXPECT_EQ(output_of({"inspect", model.folder()}).find("not in the index"), std::string::npos);
  model.replace("consolidated.safetensors", "of another layout");
  model.replace("a\x1Bold.safetensors", "x");
  const Json stray = {"a\x1Bold.safetensors", "consolidated.safetensors"};
  EXPECT_EQ(json_of({"inspect", model.folder(), "--json"})["unused_files"], stray);
  EXPECT_NE(
      output_of({"inspect", model.folder()})
          .find(R"(not in the index, and not read: "a\x1bold.safetensors", "consolidated.safetensors")"),
      std::string::npos);
}

TEST(Inspect, AConfigAloneHasTheSameParametersAndTheTensorsItWouldHave) {
  const Scratch scratch;
  const std::string config = scratch.write("config.json", bytes_of(story() + "/config.json"));
  const Json alone = json_of({"inspect", config, "--json"});
  for (const char* key : {"total", "ngram", "activated_min", "activated_max"}) {
    EXPECT_EQ(alone["parameters"][key], json_of({"inspect", story(), "--json"})["parameters"][key]) << key;
  }
  EXPECT_EQ(alone["config"], json_of({"inspect", story(), "--json"})["config"]);
  EXPECT_EQ(alone["weights_present"], false);
  std::map<std::string, Json> planned;
  for (const Json& tensor : alone["tensors"]) planned[tensor["name"].get<std::string>()] = tensor;
  std::uint64_t bytes = 0;
  const Json folder = json_of({"inspect", story(), "--json"});
  for (const Json& tensor : folder["tensors"]) {
    const auto name = tensor["name"].get<std::string>();
    if (name.starts_with("model.mtp.")) continue;  // this config.json does not ask for the draft block
    ASSERT_TRUE(planned.count(name)) << name;
    for (const char* key : {"dtype", "shape", "bytes"}) EXPECT_EQ(planned[name][key], tensor[key]) << name;
    bytes += tensor["bytes"].get<std::uint64_t>();
    planned.erase(name);
  }
  EXPECT_TRUE(planned.empty());
  EXPECT_EQ(alone["bytes"]["total"], bytes);
  EXPECT_NE(output_of({"inspect", config}).find("N 4, K 2: 6 tables"), std::string::npos);
}

TEST(Inspect, Text) {
  const std::string text = output_of({"inspect", story()});
  EXPECT_TRUE(text.starts_with(story() + ": LongcatFlashNgramForCausalLM\n")) << text;
  for (const char* part : {"2 shortcut layers (4 attentions)", "16 experts of 96 + 8 identity, top-4",
                           "N 4, K 2: 6 tables of 26,625 to 26,635 rows of 32", "n-gram tables", "activated",
                           "latent cache", "draft block (MTP)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(Inspect, TheDraftBlockIsReported) {
  EXPECT_EQ(json_of({"inspect", test_data("golden/lite_small"), "--json"})["draft"]["present"], true);
  EXPECT_NE(output_of({"inspect", test_data("golden/lite_small")}).find("present (kept for drafting)"),
            std::string::npos);
}

// H 20, F 28, V 32, two layers; N 2, K 2 and ratio 3 in MLP 0: tables of 97 and 99 rows.
TEST(Inspect, TheKeysOfOurOwn) {
  const std::string folder = test_data("golden/variant_plne_norm");
  const Json found = json_of({"inspect", folder, "--json"});
  EXPECT_EQ(found["architecture"], "NestorForCausalLM");
  EXPECT_EQ(found["config"]["embedding_amplification"], "layer_norm");
  EXPECT_EQ(found["config"]["per_layer_embedding"]["kind"], "plne");
  EXPECT_EQ(found["config"]["per_layer_embedding"]["rows"], (std::vector<int>{97, 99}));
  EXPECT_EQ(found["parameters"]["by_part"]["per-layer tables"], 2 * (32 * 28 + (97 + 99) * 14));
  EXPECT_EQ(found["parameters"]["by_part"]["per-layer projections"], 2 * 2 * 28 * 14);
  EXPECT_EQ(found["parameters"]["by_part"]["embedding norm"], 2 * 20);
  const std::string text = output_of({"inspect", folder});
  for (const char* part :
       {"layer norm",
        "n-grams of width 28 in MLP 0 of every layer; N 2, K 2: 2 tables of 97 to 99 rows of 14"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_NE(output_of({"inspect", test_data("golden/variant_ple")}).find("words of width 28 in MLP 0"),
            std::string::npos);
}

TEST(Inspect, AModelWithoutTables) {
  EXPECT_EQ(json_of({"inspect", test_data("golden/plain_flash"), "--json"})["parameters"]["ngram"], 0);
}

}  // namespace
}  // namespace nestor::testing
