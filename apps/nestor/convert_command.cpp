// nestor convert: a checkpoint in other number formats.
#include "convert/convert.h"

#include <fmt/format.h>

#include "arguments.h"
#include "base/cpu.h"
#include "base/error.h"
#include "interrupt.h"
#include "kernels/registry.h"
#include "terminal.h"
#include "trainer_program.h"

namespace nestor::app {
namespace {

struct Options {
  std::string source;
  std::string target;
  convert::FormatRequest formats;
  std::string scales = "search";
  std::string importance;
  double shard_gb = 4;
};

void tell(const char* what, const quant::Distortion& d) {
  if (d.count == 0) return;
  note(fmt::format("{}: {} values, rounding error {:.3f} % of their size (root mean square)", what, d.count,
                   100 * d.relative_rms()));
}

// A run of nestor train, or a snapshot of one.
bool is_run(const std::filesystem::path& folder) {
  std::error_code unreadable;
  const auto has = [&](const char* name) { return std::filesystem::exists(folder / name, unreadable); };
  return !has("config.json") && (has("run.json") || has("state.json") || has("snapshots"));
}

int execute(const Options& o, const assemble::OpenOptions& engine) {
  const CpuInfo cpu = cpu_info();
  convert::ConvertOptions how;
  how.formats = o.formats;
  how.scales = o.scales == "search" ? quant::ScaleRule::search : quant::ScaleRule::absmax;
  if (!o.importance.empty()) how.importance = convert::Importance::read(o.importance);
  how.shard_bytes = static_cast<std::uint64_t>(o.shard_gb * 1e9);
  how.threads = engine.threads == 0 ? cpu.cores : engine.threads;
  how.accepted_keys = engine.accepted_keys;
  const InterruptScope interrupt;
  convert::ConvertReport report;
  {
    TerminalProgress progress("MB", 1e6);
    report = convert::convert_checkpoint(o.source, o.target, how, kernels::select_set(engine.kernels, cpu),
                                         progress, interrupt.stop());
  }
  tell("weights", report.weights);
  tell("tables", report.tables);
  const std::string kept = report.kept == 0 ? "" : fmt::format(", {} of them found finished", report.kept);
  note(fmt::format("{}: {:.1f} MB in {} files{}; try nestor eval {} --text FILE --against {}", o.target,
                   static_cast<double>(report.bytes) / 1e6, report.files, kept, o.target, o.source));
  return 0;
}

}  // namespace

Command convert_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("convert", "Write a checkpoint in other number formats");
  app->add_option("SRC", o->source, "A checkpoint folder, a run of nestor train, or a snapshot of one")
      ->required();
  app->add_option("DST", o->target, "The folder to write: new, empty, or of the same conversion, interrupted")
      ->required();
  app->add_option("--weights", o->formats.weights, "Matrices: bf16, q8 or q4 (default bf16)")
      ->option_text("F")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}));
  app->add_option("--tables", o->formats.tables,
                  "Word and n-gram tables: bf16, q8, q6, q5, q4, q3 or q2 (default bf16)")
      ->option_text("F")
      ->check(CLI::IsMember({"bf16", "q8", "q6", "q5", "q4", "q3", "q2"}));
  app->add_option(
         "--keep", o->formats.keep,
         "Another format for tensors of such a name, * for any text (repeatable; the first that fits)")
      ->option_text("PATTERN=F")
      ->allow_extra_args(false);
  app->add_option("--scales", o->scales,
                  "How scales are chosen: search (default; least squared error) or absmax (quick)")
      ->option_text("search|absmax")
      ->check(CLI::IsMember({"search", "absmax"}));
  app->add_option("--importance", o->importance,
                  "Choose scales by what nestor eval --write-importance measured")
      ->option_text("FILE");
  app->add_option("--shard-gb", o->shard_gb, "Largest file, in GB (default 4)")
      ->option_text("X")
      ->check(CLI::Range(0.001, 1e6));
  app->footer(
      "Examples:\n  nestor convert MODEL MODEL-q4 --weights q4 --tables q4\n"
      "  nestor convert MODEL MODEL-q8 --weights q8 --tables q8 --keep \"lm_head*=bf16\"\n"
      "  nestor convert MODEL-q4 MODEL-bf16 --weights bf16 --tables bf16\n"
      "  nestor convert run/snapshots/step-000000200 CHECKPOINT");
  const std::vector<std::string> common = {"--threads", "--kernels", "--accept-key"};
  return {app,
          [o, app, &root, &engine, common] {
            if (!o->importance.empty() && o->scales != "search")
              fail(ErrorKind::usage, "--importance goes with --scales search");
            if (is_run(o->source)) {
              const auto given = [&](const std::string& name) { return root.count(name) > 0; };
              if (app->count_all() > 3 || std::ranges::any_of(common, given))
                fail(ErrorKind::usage,
                     "{} is a run of nestor train: convert it without options first, then what that writes",
                     o->source);
              become_trainer({"export", o->source, o->target});
            }
            return execute(*o, engine);
          },
          common};
}

}  // namespace nestor::app
