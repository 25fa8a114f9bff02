// nestor new: random checkpoints that all other commands accept, reproducible by their seed.
#include <gtest/gtest.h>

#include <map>

#include "program.h"
#include "support/npy.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files[entry.path().filename().string()] = bytes_of(entry.path());
  }
  return files;
}

std::string make(const Scratch& scratch, const std::string& preset, const std::string& seed,
                 const std::string& name) {
  const std::string folder = (scratch / name).string();
  const Outcome outcome = nestor({"new", "--preset", preset, "--seed", seed, folder});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  return folder;
}

TEST(New, TheSameSeedGivesTheSameBytes) {
  const Scratch scratch;
  const auto first = files_of(make(scratch, "tiny", "1", "a"));
  EXPECT_TRUE(first == files_of(make(scratch, "tiny", "1", "b")));
  const auto other = files_of(make(scratch, "tiny", "2", "c"));
  EXPECT_EQ(other.at("config.json"), first.at("config.json"));
  EXPECT_FALSE(other == first);
}

TEST(New, ATinyModelWorksWithTheOtherCommands) {
  const Scratch scratch;
  const std::string folder = make(scratch, "tiny", "1", "tiny");
  EXPECT_EQ(json_of({"inspect", folder, "--json"})["draft"]["present"], true);
  const Json result = json_of({"run", folder, "--ids", "1 7 9", "-n", "8", "--ignore-eos", "--json"});
  EXPECT_EQ(result["ids"].size(), 8u);
  const auto out = scratch / "a.npy";
  output_of({"logits", folder, "--ids", "1 7 9", "--out", out.string()});
  EXPECT_EQ(read_npy(out).shape, (std::vector<std::int64_t>{3, 4096}));
  EXPECT_EQ(json_of({"ngram-ids", folder, "--ids", "1 7"})[0].size(), 6u);
}

// Reference and fast kernels read every number format the same.
TEST(New, NumberFormats) {
  Json config = read_test_json("golden/fp8/config.json");
  const Scratch scratch;
  const auto agree = [&](const std::string& name) {
    const std::string file = scratch.write(name + ".json", config.dump());
    const std::string folder = make(scratch, file, "3", name);
    const Arguments call = {"run", folder,          "--ids", "1 7 9",        "-n",
                            "6",   "--temperature", "0",     "--ignore-eos", "--json"};
    Arguments reference = call;
    reference.insert(reference.end(), {"--kernels", "reference"});
    EXPECT_EQ(json_of(call)["ids"], json_of(reference)["ids"]) << name;
    std::map<std::string, int> dtypes;
    const Json found = json_of({"inspect", folder, "--json"});
    for (const Json& tensor : found["tensors"]) {
      ++dtypes[tensor["dtype"].get<std::string>()];
    }
    return dtypes;
  };
  EXPECT_GT(agree("fp8")["F8_E4M3"], 0);
  config.erase("quantization_config");
  for (const auto& [torch, stored] : std::vector<std::pair<std::string, std::string>>{
           {"float16", "F16"}, {"float32", "F32"}, {"bfloat16", "BF16"}}) {
    config["torch_dtype"] = torch;
    auto dtypes = agree(torch);
    EXPECT_GT(dtypes[stored], 10) << torch;
    EXPECT_EQ(dtypes["F8_E4M3"], 0) << torch;
  }
}

// What is asked for counts, also where it is the format of most shapes but not of this one.
TEST(New, FormatsAreThoseAskedFor) {
  const Scratch scratch;
  const std::string shape = test_data("golden/fp8/config.json");
  const auto dtypes_of = [&](const std::string& name, const Arguments& formats) {
    Arguments call = {"new", "--preset", shape, (scratch / name).string()};
    call.insert(call.end(), formats.begin(), formats.end());
    output_of(call);
    std::map<std::string, int> dtypes;
    const Json found = json_of({"inspect", (scratch / name).string(), "--json"});
    for (const Json& tensor : found["tensors"]) ++dtypes[tensor["dtype"].get<std::string>()];
    return dtypes;
  };
  EXPECT_GT(dtypes_of("shape", {})["F8_E4M3"], 0);
  EXPECT_EQ(dtypes_of("plain", {"--weights", "bf16"})["F8_E4M3"], 0);
  auto tables = dtypes_of("tables", {"--tables", "q4"});
  EXPECT_EQ(tables["F8_E4M3"], 0);
  EXPECT_GT(tables["BF16"], 0);
}

TEST(New, ModelsWithKeysOfOurOwn) {
  const Scratch scratch;
  for (const std::string name : {"variant_norm", "variant_ple", "variant_plne_norm"}) {
    const std::string folder = make(scratch, test_data("golden/" + name + "/config.json"), "1", name);
    const Arguments call = {"run", folder,          "--ids", "1 7 9",        "-n",
                            "6",   "--temperature", "0",     "--ignore-eos", "--json"};
    Arguments reference = call;
    reference.insert(reference.end(), {"--kernels", "reference"});
    EXPECT_EQ(json_of(call)["ids"], json_of(reference)["ids"]) << name;
  }
}

TEST(New, RefusesAFolderThatIsNotEmpty) {
  const Scratch scratch;
  scratch.write("precious", "x");
  expect_error({"new", "--preset", "tiny", (scratch / "").string()}, 2, "not empty");
  EXPECT_FALSE(fs::exists(scratch / "config.json"));
  expect_error({"new", "--preset", "tiny", (scratch / "precious").string()}, 2, "precious");
}

TEST(New, RefusesAConfigThatNoModelHas) {
  const Scratch scratch;
  Json config = read_test_json("golden/n3k2/config.json");
  config["hidden_size"] = -1;
  const std::string bad = scratch.write("bad.json", config.dump());
  expect_error({"new", "--preset", bad, (scratch / "x").string()}, 1, "hidden_size");
  expect_error({"new", "--preset", bad, "--weights", "q4", (scratch / "x").string()}, 1, "bad.json");
  EXPECT_FALSE(fs::exists(scratch / "x" / "config.json"));
}

TEST(New, MoreThanTheDiskHoldsIsRefusedBeforeAnythingIsWritten) {
  const Scratch scratch;
  Json config = read_test_json("golden/plain_flash/config.json");
  config["vocab_size"] = 1 << 30;  // word table and head: 8.8 TB
  config["hidden_size"] = 2048;
  const std::string file = scratch.write("huge.json", config.dump());
  expect_error({"new", "--preset", file, (scratch / "huge").string()}, 1, "GB are needed");
  EXPECT_FALSE(fs::exists(scratch / "huge"));
}

}  // namespace
}  // namespace nestor::testing
