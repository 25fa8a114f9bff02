// nestor new: a random checkpoint of any shape.
#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "base/json.h"
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
};

constexpr std::uint64_t kMostConfigBytes = 16U << 20;

int execute(const Options& o, const assemble::EngineOptions& engine) {
  const auto names = convert::preset_names();
  const bool is_file = std::find(names.begin(), names.end(), o.preset) == names.end() &&
                       (o.preset.ends_with(".json") || std::filesystem::exists(o.preset));
  const Json config = is_file ? read_json(o.preset, kMostConfigBytes) : convert::preset(o.preset);
  convert::NewOptions how;
  how.seed = o.seed;
  how.accepted_keys = engine.accepted_keys;
  if (is_file) how.config_name = o.preset;
  const InterruptScope interrupt;
  {
    TerminalProgress progress("MB", 1e6);
    convert::write_random_checkpoint(config, o.folder, how, progress, interrupt.stop());
  }
  note(fmt::format("{}: written; try nestor inspect {}", o.folder, o.folder));
  return 0;
}

}  // namespace

Command new_command(CLI::App& root, const assemble::EngineOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("new", "Write a random checkpoint in the published layout");
  app->add_option("--preset", o->preset,
                  "A shape: tiny, lite (68.5 billion parameters, 138 GB), or that of a config.json")
      ->required()
      ->option_text("tiny|lite|FILE");
  app->add_option("--seed", o->seed, "Same seed, same weights (default 0)")
      ->option_text("S")
      ->check(whole_number());
  app->add_option("DST", o->folder, "The folder to write; new or empty")->required();
  app->footer(
      "Examples:\n  nestor new --preset tiny --seed 1 /tmp/tiny\n"
      "  nestor new --preset my/config.json --seed 1 my-model");
  return {app, [o, &engine] { return execute(*o, engine); }};
}

}  // namespace nestor::app
