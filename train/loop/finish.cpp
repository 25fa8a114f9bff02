#include "train/loop/finish.h"

#include "base/error.h"
#include "base/json.h"
#include "recipe/model_json.h"
#include "train/loop/run_data.h"
#include "train/modules/export_checkpoint.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kMostBytes = 16U << 20;

// As the tokenizer's folder has it; small models write best a little below their own temperature.
Json generation_config(const Json& config, const fs::path& tokenizer) {
  const fs::path beside = tokenizer.parent_path() / "generation_config.json";
  if (fs::exists(beside)) return read_json(beside, kMostBytes);
  return {{"bos_token_id", config.value("bos_token_id", Json())},
          {"eos_token_id", config.value("eos_token_id", Json())},
          {"do_sample", true},
          {"temperature", 0.7},
          {"top_p", 0.9}};
}

}  // namespace

fs::path earlier_final(const RunFolder& folder, std::int64_t steps) {
  const fs::path path = folder.path() / fmt::format("final-{}", steps);
  if (!fs::exists(fs::symlink_status(path))) return path;
  fail(ErrorKind::usage, "{}: the checkpoint of {} steps is to be kept there; move what is there away",
       path.string(), steps);
}

void write_checkpoint(const recipe::Recipe& recipe, const Trainer& trainer, const fs::path& target) {
  ExportRequest request;
  request.folder = target;
  request.config_json = recipe::trained_config_json(recipe.model);
  request.tokenizer = tokenizer_file(recipe);
  request.generation_config = generation_config(request.config_json, request.tokenizer);
  export_checkpoint(trainer.model(), trainer.tables(), request);
}

}  // namespace nestor::train
