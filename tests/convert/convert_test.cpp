// Checkpoints in other formats: what comes out loads and means nearly the same, an interrupted conversion
// goes on, and damage and contradictions are noticed.
#include "convert/convert.h"
#include "convert/random_checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/inventory.h"
#include "checkpoint/safetensors_writer.h"
#include "config/parse_config.h"
#include "convert/tensor_source.h"
#include "kernels/registry.h"
#include "support/golden.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::convert {
namespace {

namespace fs = std::filesystem;

// Counts, and asks to stop once `limit` bytes are written.
class Counter : public ProgressSink {
 public:
  explicit Counter(std::uint64_t limit = UINT64_MAX) : limit_(limit) {}
  void advance(std::string_view, std::uint64_t done, std::uint64_t total) override {
    EXPECT_LE(done, total);
    if (done >= limit_) stop.request_stop();
  }
  std::stop_source stop;

 private:
  std::uint64_t limit_;
};

ConvertOptions options(const std::string& weights, const std::string& tables) {
  ConvertOptions o;
  o.formats.weights = weights;
  o.formats.tables = tables;
  o.shard_bytes = 30'000;
  o.threads = 2;
  return o;
}

ConvertReport convert(const fs::path& from, const fs::path& to, const ConvertOptions& o,
                      std::uint64_t limit = UINT64_MAX) {
  Counter counter(limit);
  return convert_checkpoint(from, to, o, kernels::select_set("auto", cpu_info()), counter,
                            counter.stop.get_token());
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files[entry.path().filename().string()] = read_file(entry.path(), 1U << 30);
  }
  return files;
}

// Every value of a checkpoint, by name; fused experts as separate ones.
std::map<std::string, std::vector<float>> values_of(const fs::path& folder) {
  const auto config = config::read_config(folder / "config.json");
  const checkpoint::Checkpoint files(folder);
  auto layout = checkpoint::layout_of(config, files);
  checkpoint::check_inventory(config, layout, files, checkpoint::Encoded::accepted);
  const CheckpointSource source(files, config, layout, kernels::select_set("reference", cpu_info()));
  layout.experts = config::NameLayout::Experts::separate;
  std::map<std::string, std::vector<float>> all;
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& t) {
    std::vector<float> values(static_cast<std::size_t>(t.elements()));
    const auto read = source.open(t);
    const std::int64_t rows = t.rank == 1 ? 1 : t.shape[0];
    for (std::int64_t r = 0; r < rows; ++r) read(r, values.data() + r * (t.elements() / rows));
    all[t.name] = std::move(values);
  });
  return all;
}

TEST(Convert, EveryGoldenModelComesOutNearlyTheSame) {
  for (const std::string& name : testing::golden_names()) {
    const testing::ScratchFolder folder;
    const fs::path q = folder.path() / "q";
    ConvertOptions o = options("q8", "q8");
    o.scales = quant::ScaleRule::absmax;  // a search may cut off the largest values
    const auto report = convert(testing::golden_folder(name), q, o);
    const auto before = values_of(testing::golden_folder(name));
    const auto after = values_of(q);
    ASSERT_EQ(before.size(), after.size()) << name;
    EXPECT_LT(report.weights.relative_rms(), 0.01) << name;
    EXPECT_LT(report.tables.relative_rms(), 0.01) << name;
    for (const auto& [tensor, values] : before) {
      double largest = 0;
      for (const float v : values) largest = std::max(largest, std::fabs(static_cast<double>(v)));
      const bool untouched =
          tensor.find("norm") != std::string::npos || tensor.find("router") != std::string::npos;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double bound = untouched ? 0 : largest / 127;  // half a step and the rounding of the scale
        ASSERT_LE(std::fabs(after.at(tensor)[i] - values[i]), bound) << name << " " << tensor << " " << i;
      }
    }
  }
}

TEST(Convert, TheModelLoadsAndBackInBf16AsWell) {
  const testing::ScratchFolder folder;
  const fs::path q = folder.path() / "q";
  const fs::path back = folder.path() / "back";
  convert(testing::golden_folder("lite_small"), q, options("q4", "q5"));
  convert(q, back, options("bf16", "bf16"));
  EXPECT_FALSE(config::read_config(back / "config.json").quantization);
  EXPECT_EQ(config::read_config(q / "config.json").quantization->tables, "q5");
  EXPECT_NO_THROW(testing::open_model(back, "reference"));
  const auto decoded = values_of(q);
  const auto rounded = values_of(back);
  for (const auto& [tensor, values] : decoded) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_LE(std::fabs(rounded.at(tensor)[i] - values[i]), std::fabs(values[i]) * 0x1p-8F) << tensor;
    }
  }
}

TEST(Convert, EverySetAndEveryBatchAgreesOnAQuantizedModel) {
  const testing::ScratchFolder folder;
  const fs::path q = folder.path() / "q";
  convert(testing::golden_folder("lite_small"), q, options("q4", "q4"));
  // Over pages of the cache, and with groups of 16 rows that are full and that are not.
  std::vector<TokenId> ids = {1, 17, 3, 44, 9, 2, 8, 60, 7, 7, 31, 5, 6};
  for (TokenId i = 0; ids.size() < 137; ++i) ids.push_back(3 + i * i % 59);
  for (const auto cache : {model::CacheFormat::f32, model::CacheFormat::q8}) {
    const auto reference =
        testing::all_logits(*testing::open_model(q, "reference", 2, cache), ids, ids.size());
    for (const auto set : kernels::runnable_sets(cpu_info())) {
      const auto model = testing::open_model(q, set, 2, cache);
      const auto whole = testing::all_logits(*model, ids, ids.size());
      for (const std::size_t chunk : {1U, 5U, 24U})
        EXPECT_EQ(whole, testing::all_logits(*model, ids, chunk)) << set << ", chunks of " << chunk;
      // Sets may round activations to eight bits, which can turn a choice of experts; unrelated logits would
      // differ by 1.
      EXPECT_LT(testing::relative_difference(whole, reference), 0.5) << set;
    }
  }
}

TEST(Convert, TablesInRecordsBeginAtPages) {
  const testing::ScratchFolder folder;
  convert(testing::golden_folder("lite_small"), folder.path() / "q", options("bf16", "q4"));
  const checkpoint::Checkpoint files(folder.path() / "q");
  int tables = 0;
  for (const auto& [name, tensor] : files.tensors()) {
    if (!name.ends_with("_rows_q4")) continue;
    EXPECT_EQ(tensor.entry->begin % 4096, 0U) << name;
    ++tables;
  }
  EXPECT_GT(tables, 3);
}

TEST(Convert, AnInterruptedConversionGoesOn) {
  const testing::ScratchFolder folder;
  const auto source = testing::golden_folder("lite_small");
  const fs::path whole = folder.path() / "whole";
  const fs::path parts = folder.path() / "parts";
  convert(source, whole, options("q4", "q4"));
  EXPECT_REFUSED(convert(source, parts, options("q4", "q4"), 70'000), ErrorKind::cancelled, "goes on");
  EXPECT_FALSE(fs::exists(parts / "config.json"));
  EXPECT_REFUSED(convert(source, parts, options("q8", "q4")), ErrorKind::usage, "other options");
  const auto report = convert(source, parts, options("q4", "q4"));
  EXPECT_GT(report.kept, 0U);
  EXPECT_LT(report.kept, report.files);
  EXPECT_EQ(files_of(parts), files_of(whole));
  EXPECT_REFUSED(convert(source, parts, options("q4", "q4")), ErrorKind::usage, "not empty");
}

TEST(Convert, ADamagedFileIsWrittenAgain) {
  const testing::ScratchFolder folder;
  const auto source = testing::golden_folder("lite_small");
  const fs::path whole = folder.path() / "whole";
  convert(source, whole, options("q4", "q4"));
  for (const int at : {20, -5}) {  // in the header and in the body
    const fs::path parts = folder.path() / std::to_string(at);
    EXPECT_REFUSED(convert(source, parts, options("q4", "q4"), 70'000), ErrorKind::cancelled, "");
    for (const auto& entry : fs::directory_iterator(parts)) {
      if (entry.path().extension() != ".safetensors") continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(at, at < 0 ? std::ios::end : std::ios::beg);
      file.put('\x55');
      file.put('\x33');
    }
    EXPECT_EQ(convert(source, parts, options("q4", "q4")).kept, 0U);
    EXPECT_EQ(files_of(parts), files_of(whole));
  }
}

TEST(Convert, OtherFilesOfTheSameSizeAndTimeAreNotMixedIn) {
  const testing::ScratchFolder folder;
  const Json config = read_json(testing::golden_folder("lite_small") / "config.json", 1 << 20);
  Counter counter;
  for (const std::uint64_t seed : {1, 2}) {
    NewOptions how;
    how.seed = seed;
    const fs::path model = folder.path() / std::to_string(seed);
    write_random_checkpoint(config, model, how, counter, counter.stop.get_token());
    for (const auto& entry : fs::directory_iterator(model))
      fs::last_write_time(entry.path(), fs::file_time_type{});
  }
  const fs::path parts = folder.path() / "parts";
  EXPECT_REFUSED(convert(folder.path() / "1", parts, options("q4", "q4"), 70'000), ErrorKind::cancelled, "");
  EXPECT_REFUSED(convert(folder.path() / "2", parts, options("q4", "q4")), ErrorKind::usage, "other files");
  EXPECT_GT(convert(folder.path() / "1", parts, options("q4", "q4")).kept, 0U);
}

// An importance file with one vector.
fs::path importance_of(const testing::ScratchFolder& folder, const std::string& name,
                       const std::vector<float>& columns) {
  const fs::path file = folder.path() / "importance";
  checkpoint::SafetensorsWriter writer(file, {{name, DType::f32, {std::ssize(columns)}}});
  writer.append(std::as_bytes(std::span(columns)));
  writer.finish();
  return file;
}

TEST(Convert, ErrorsOfImportantColumnsBecomeSmaller) {
  const testing::ScratchFolder folder;
  const auto source = testing::golden_folder("lite_small");
  const std::string name = "model.layers.0.mlps.0.down_proj.weight";
  const auto before = values_of(source).at(name);
  const auto config = config::read_config(source / "config.json");
  const auto width = static_cast<std::size_t>(config.ffn_hidden_size);
  std::vector<float> columns(width, 1e-4F);
  for (std::size_t i = 0; i < width; i += 8) columns[i] = 1;
  const auto error = [&](const fs::path& to) {
    const auto after = values_of(to).at(name);
    double weighted = 0;
    for (std::size_t i = 0; i < before.size(); ++i)
      weighted += columns[i % width] * std::pow(static_cast<double>(after[i]) - before[i], 2);
    return weighted;
  };
  ConvertOptions o = options("q4", "bf16");
  convert(source, folder.path() / "plain", o);
  o.importance = Importance::read(importance_of(folder, name, columns));
  convert(source, folder.path() / "weighted", o);
  EXPECT_LT(error(folder.path() / "weighted"), 0.8 * error(folder.path() / "plain"));
  // Other tensors are as they were.
  EXPECT_EQ(values_of(folder.path() / "weighted").at("lm_head.weight"),
            values_of(folder.path() / "plain").at("lm_head.weight"));
}

TEST(Convert, ImportanceOfAnotherModelOrKindIsRefused) {
  const testing::ScratchFolder folder;
  const auto source = testing::golden_folder("lite_small");
  const auto with = [&](const std::string& name, const std::vector<float>& columns) {
    ConvertOptions o = options("q4", "bf16");
    o.importance = Importance::read(importance_of(folder, name, columns));
    convert(source, folder.path() / "q", o);
  };
  EXPECT_REFUSED(with("model.nothing", {1, 2}), ErrorKind::bad_input, "another model");
  EXPECT_REFUSED(with("lm_head.weight", {1, 2}), ErrorKind::bad_input, "columns");
  EXPECT_REFUSED(with("lm_head.weight", {1, -2}), ErrorKind::bad_input, "mean squares");
  const auto width = static_cast<std::size_t>(config::read_config(source / "config.json").hidden_size);
  ConvertOptions plain = options("bf16", "q4");
  plain.importance = Importance::read(importance_of(folder, "lm_head.weight", std::vector<float>(width, 2)));
  EXPECT_REFUSED(convert(source, folder.path() / "q", plain), ErrorKind::usage,
                 "none that it was measured for");
  EXPECT_REFUSED(with("lm_head.weight", {1, std::nanf("")}), ErrorKind::bad_input, "mean squares");
  EXPECT_REFUSED(Importance::read(testing::golden_folder("n3k2") / "model.safetensors"), ErrorKind::bad_input,
                 "--write-importance");
  EXPECT_REFUSED(Importance::read(source / "config.json"), ErrorKind::bad_input, "config.json");
  EXPECT_FALSE(fs::exists(folder.path() / "q"));
}

TEST(Convert, AConversionGoesOnOnlyWithTheSameImportance) {
  const testing::ScratchFolder folder;
  const auto source = testing::golden_folder("lite_small");
  const auto width = static_cast<std::size_t>(config::read_config(source / "config.json").hidden_size);
  const fs::path parts = folder.path() / "parts";
  ConvertOptions o = options("q4", "q4");
  o.importance = Importance::read(importance_of(folder, "lm_head.weight", std::vector<float>(width, 2)));
  EXPECT_REFUSED(convert(source, parts, o, 70'000), ErrorKind::cancelled, "goes on");
  EXPECT_REFUSED(convert(source, parts, options("q4", "q4")), ErrorKind::usage, "other options");
  EXPECT_GT(convert(source, parts, o).kept, 0U);
}

TEST(Convert, KeysAndTensorsThatContradictEachOtherAreRefused) {
  const testing::ScratchFolder folder;
  const fs::path q = folder.path() / "q";
  convert(testing::golden_folder("n3k2"), q, options("q4", "q4"));
  const Json good = read_json(q / "config.json", 1 << 20);
  const auto with = [&](Json config) {
    write_file(q / "config.json", to_text(config));
    return testing::open_model(q, "reference");
  };
  Json json = good;
  json.erase("quantization_config");
  EXPECT_REFUSED(with(json), ErrorKind::bad_input, "quant_method nestor");
  json = good;
  json["quantization_config"]["tables"] = "q9";
  EXPECT_REFUSED(with(json), ErrorKind::bad_input, "q9");
  json = good;
  json["quantization_config"]["version"] = 1;
  EXPECT_REFUSED(with(json), ErrorKind::unsupported, "version");
  json = good;
  json["quantization_config"]["surprise"] = 1;
  EXPECT_REFUSED(with(json), ErrorKind::unsupported, "surprise");
  json = good;
  json["hidden_size"] = 2 * json["hidden_size"].get<int>();
  EXPECT_REFUSED(with(json), ErrorKind::bad_input, "expected U8");
  EXPECT_NO_THROW(with(good));
  // A caller that knows no encodings says so.
  const auto config = config::read_config(q / "config.json");
  const checkpoint::Checkpoint files(q);
  EXPECT_REFUSED(checkpoint::check_inventory(config, checkpoint::layout_of(config, files), files),
                 ErrorKind::unsupported, "nestor convert");
  // A plain checkpoint with the key.
  fs::copy(testing::golden_folder("n3k2"), folder.path() / "plain", fs::copy_options::recursive);
  write_file(folder.path() / "plain" / "config.json", to_text(good));
  EXPECT_REFUSED(testing::open_model(folder.path() / "plain", "reference"), ErrorKind::bad_input,
                 "no tensor is quantized");
}

TEST(Convert, ANewModelIsWrittenInItsFormats) {
  const testing::ScratchFolder folder;
  const Json config = read_json(testing::golden_folder("lite_small") / "config.json", 1 << 20);
  Counter counter;
  write_random_quantized(config, "config.json", 3, folder.path() / "a", options("q4", "q4"), counter,
                         counter.stop.get_token());
  write_random_quantized(config, "config.json", 3, folder.path() / "b", options("q4", "q4"), counter,
                         counter.stop.get_token());
  EXPECT_EQ(files_of(folder.path() / "a"), files_of(folder.path() / "b"));
  EXPECT_NO_THROW(testing::open_model(folder.path() / "a", "reference"));
}

// What a file holds does not depend on the files that were written before it.
TEST(Convert, ANewModelThatWasInterruptedHasTheSameBytes) {
  const testing::ScratchFolder folder;
  Json config = read_json(testing::golden_folder("lite_small") / "config.json", 1 << 20);
  config["num_nextn_predict_layers"] = 1;
  const auto write = [&](const std::string& name, std::uint64_t limit) {
    Counter counter(limit);
    return write_random_quantized(config, "config.json", 3, folder.path() / name, options("q8", "q8"),
                                  counter, counter.stop.get_token());
  };
  const auto whole = write("whole", UINT64_MAX);
  for (const std::uint64_t share : {4, 2}) {
    EXPECT_REFUSED(write("parts", whole.bytes / share), ErrorKind::cancelled, "goes on");
  }
  EXPECT_REFUSED(write("parts", whole.bytes - whole.bytes / 8), ErrorKind::cancelled, "goes on");
  EXPECT_GT(write("parts", UINT64_MAX).kept, 0U);
  EXPECT_EQ(files_of(folder.path() / "whole"), files_of(folder.path() / "parts"));
}

}  // namespace
}  // namespace nestor::convert
