// nestor new: a random checkpoint of any shape.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "arguments.h"
#include "base/cpu.h"
#include "base/json.h"
#include "convert/convert.h"
#include "convert/presets.h"
#include "convert/random_checkpoint.h"
#include "interrupt.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string preset;
  std::string folder;
  std::uint64_t seed = 0;
  std::optional<std::string> weights;
  std::optional<std::string> tables;
};

constexpr std::uint64_t kMostConfigBytes = 16U << 20;

// A shape by name or by file, and what to call it in messages.
struct Shape {
  Json config;
  std::string name;
};

Shape shape_of(const std::string& preset) {
  const auto names = convert::preset_names();
  const bool is_file = std::find(names.begin(), names.end(), preset) == names.end() &&
                       (preset.ends_with(".json") || std::filesystem::exists(preset));
  if (is_file) return {read_json(preset, kMostConfigBytes), preset};
  return {convert::preset(preset), "config.json"};
}

void write_encoded(const Options& o, const Shape& shape, const assemble::OpenOptions& engine,
                   ProgressSink& progress, const std::stop_token& stop) {
  convert::ConvertOptions how;
  how.formats = {.weights = o.weights.value_or("bf16"), .tables = o.tables.value_or("bf16")};
  how.scales = quant::ScaleRule::absmax;  // random values are not worth a search
  how.threads = engine.threads == 0 ? cpu_info().cores : engine.threads;
  how.accepted_keys = engine.accepted_keys;
  convert::write_random_quantized(shape.config, shape.name, o.seed, o.folder, how, progress, stop);
}

void write_plain(const Options& o, const Shape& shape, const assemble::OpenOptions& engine,
                 ProgressSink& progress, const std::stop_token& stop) {
  convert::NewOptions how;
  how.seed = o.seed;
  how.accepted_keys = engine.accepted_keys;
  how.config_name = shape.name;
  convert::write_random_checkpoint(shape.config, o.folder, how, progress, stop);
}

int execute(const Options& o, const assemble::OpenOptions& engine) {
  const Shape shape = shape_of(o.preset);
  const bool as_the_shape_says = !o.weights && !o.tables;
  const InterruptScope interrupt;
  {
    TerminalProgress progress("MB", 1e6);
    (as_the_shape_says ? write_plain : write_encoded)(o, shape, engine, progress, interrupt.stop());
  }
  note(fmt::format("{}: written; try nestor inspect {}", o.folder, o.folder));
  return 0;
}

}  // namespace

Command new_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("new", "Write a random checkpoint in the published layout");
  app->add_option("--preset", o->preset,
                  "A shape: tiny, lite (68.5 billion parameters, 138 GB), or that of a config.json")
      ->required()
      ->option_text("tiny|lite|FILE");
  app->add_option("--seed", o->seed, "Same seed, same weights (default 0)")
      ->option_text("S")
      ->check(whole_number());
  app->add_option("--weights", o->weights,
                  "Matrices: bf16, q8 or q4 (default: as the shape says, bf16 beside --tables)")
      ->option_text("F")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}));
  app->add_option("--tables", o->tables,
                  "Word and n-gram tables: bf16, q8, q6, q5, q4, q3 or q2 (default: as the shape says, bf16 "
                  "beside --weights)")
      ->option_text("F")
      ->check(CLI::IsMember({"bf16", "q8", "q6", "q5", "q4", "q3", "q2"}));
  app->add_option("DST", o->folder, "The folder to write; new or empty")->required();
  app->footer(
      "Examples:\n  nestor new --preset tiny --seed 1 /tmp/tiny\n"
      "  nestor new --preset my/config.json --seed 1 my-model\n"
      "  nestor new --preset lite --weights q4 --tables q4 /data/lite-q4");
  return {app, [o, &engine] { return execute(*o, engine); }, {"--threads", "--accept-key"}};
}

}  // namespace nestor::app
