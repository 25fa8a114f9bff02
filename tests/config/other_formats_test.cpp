// What other programs write into config.json and into folders, and what a download leaves.
#include "config/other_formats.h"

#include <gtest/gtest.h>

#include "config/sample.h"
#include "support/scratch_folder.h"

namespace nestor::config {
namespace {

using testing::ScratchFolder;

TEST(OtherFormats, QuantizationOfOthersIsNamed) {
  const std::vector<std::pair<Json, std::string>> cases = {
      {{{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 128}}, "GPTQ"},
      {{{"bits", 4}, {"group_size", 128}, {"desc_act", false}}, "GPTQ"},
      {{{"quant_method", "awq"}, {"bits", 4}, {"zero_point", true}}, "AWQ"},
      {{{"w_bit", 4}, {"q_group_size", 128}}, "AWQ"},
      {{{"quant_method", "compressed-tensors"}, {"config_groups", Json::object()}}, "compressed-tensors"},
      {{{"config_groups", Json::object()}}, "compressed-tensors"},
      {{{"quant_method", "bitsandbytes"}, {"load_in_4bit", true}}, "bitsandbytes"},
      {{{"load_in_8bit", true}}, "bitsandbytes"},
      {{{"quant_method", "torchao"}, {"quant_type", Json::object()}}, "torchao"},
      {{{"group_size", 64}, {"bits", 4}, {"mode", "affine"}}, "MLX"},
      {{{"quant_method", "modelopt"}, {"quant_algo", "FP8"}}, "NVIDIA ModelOpt"},
      {{{"quant_method", "mxfp4"}}, "MXFP4"},
      {{{"quant_method", "something_new"}}, "\"something_new\""},
  };
  for (const auto& [quantization, name] : cases) {
    EXPECT_REFUSED(parse(with("quantization_config", quantization)), ErrorKind::unsupported,
                   "quantized by " + name);
  }
  EXPECT_REFUSED(parse(with("quantization", {{"group_size", 64}, {"bits", 4}})), ErrorKind::unsupported,
                 "MLX");
  EXPECT_REFUSED(parse(with("compression_config", {{"config_groups", Json::object()}})),
                 ErrorKind::unsupported, "compression_config says");
  EXPECT_NO_THROW(parse(with("quantization", nullptr, with("quantization_config", nullptr))));
}

TEST(OtherFormats, AFolderWithoutAConfigurationSaysWhatItIs) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"model-q4.gguf", "model-q4.gguf: a GGUF file"},
      {"pytorch_model.bin", "pickles of PyTorch"},
      {"consolidated.00.pth", "pickles of PyTorch"},
      {"model.safetensors.incomplete", "unfinished download"},
      {"weights.npz", "MLX"},
      {"tf_model.h5", "TensorFlow"},
      {"README.md", "expected the files of a checkpoint"},
  };
  for (const auto& [file, fragment] : cases) {
    const ScratchFolder folder;
    folder.write(file, "x");
    EXPECT_REFUSED(read_config(folder.path() / "config.json"), ErrorKind::not_found, fragment);
    EXPECT_REFUSED(read_config(folder.path() / "config.json"), ErrorKind::not_found, "no config.json");
  }
  const ScratchFolder adapter;
  adapter.write("adapter_config.json", "{}");
  adapter.write("adapter_model.bin", "x");
  EXPECT_REFUSED(read_config(adapter.path() / "config.json"), ErrorKind::unsupported, "LoRA");
}

TEST(OtherFormats, WhatIsNoFolderIsNamed) {
  const ScratchFolder folder;
  const auto read = [](const std::filesystem::path& path) { return read_config(path / "config.json"); };
  EXPECT_REFUSED(read(folder.write("a.gguf", std::string("GGUF\3\0\0\0", 8))), ErrorKind::not_found,
                 "found a file: a GGUF file");
  EXPECT_REFUSED(read(folder.write("model.safetensors", "x")), ErrorKind::not_found, "name the folder");
  EXPECT_REFUSED(read(folder.path() / "gone"), ErrorKind::not_found, "nothing there");
  EXPECT_REFUSED(read("meituan-longcat/LongCat-Flash-Lite"), ErrorKind::not_found,
                 "hf download meituan-longcat/LongCat-Flash-Lite");
}

TEST(OtherFormats, ConfigurationsThatAreNoneAreNamed) {
  const ScratchFolder folder;
  const auto read = [&](const std::string& text) { return read_config(folder.write("config.json", text)); };
  EXPECT_REFUSED(read("version https://git-lfs.github.com/spec/v1\n"), ErrorKind::bad_input, "git lfs pull");
  EXPECT_REFUSED(read("<!DOCTYPE html><html>"), ErrorKind::bad_input, "web page");
}

TEST(OtherFormats, ACacheFolderLeadsToItsSnapshot) {
  const ScratchFolder cache;
  const auto folder = cache.path() / "models--org--name";
  cache.write("models--org--name/snapshots/aaa/config.json", "{}");
  EXPECT_EQ(checkpoint_folder(folder), folder / "snapshots" / "aaa");
  cache.write("models--org--name/snapshots/bbb/config.json", "{}");
  EXPECT_REFUSED(checkpoint_folder(folder), ErrorKind::bad_input, "2 snapshots");
  cache.write("models--org--name/refs/main", "bbb\n");
  EXPECT_EQ(checkpoint_folder(folder), folder / "snapshots" / "bbb");
  cache.write("models--org--name/refs/main", "../../..");
  EXPECT_REFUSED(checkpoint_folder(folder), ErrorKind::bad_input, "2 snapshots");
  EXPECT_EQ(checkpoint_folder(folder / "snapshots" / "aaa"), folder / "snapshots" / "aaa");
  EXPECT_EQ(checkpoint_folder(cache.path() / "gone"), cache.path() / "gone");
}

}  // namespace
}  // namespace nestor::config
