// nestor plan fit: whether a model fits this machine and how fast it would be, before it is downloaded.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/cpu.h"
#include "base/error.h"
#include "base/json.h"
#include "config/footprint.h"
#include "kernels/registry.h"
#include "named_config.h"
#include "plan/fit.h"
#include "plan_command.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> weights, tables;
  std::vector<std::string> keep;
  std::int64_t prompt = 512, depth = 0;
  std::optional<double> memory_gb;
  std::string disk;
  bool no_speed = false;
  bool json = false;
};

struct Answer {
  std::string model;
  config::ModelConfig config;
  plan::FitRequest request;
  plan::Machine machine;
  SystemMemory now;  // of this machine
  std::string kernels;
  plan::Fit fit;
  std::vector<std::string> fitting;  // formats

  bool has_speed() const { return fit.decode.total() > 0; }
  bool beyond_caches() const { return fit.decode.matrix_bytes >= plan::kPredictable; }
  double decode_tok_s() const { return 1 / fit.decode.total(); }
  double prefill_tok_s() const { return static_cast<double>(request.prompt) / fit.prefill.total(); }
};

// As it is stored, where a configuration says so, else as asked.
convert::FormatRequest formats_of(const Options& o, const config::ModelConfig& c) {
  convert::FormatRequest formats;
  if (c.quantization) formats = {c.quantization->weights, c.quantization->tables, c.quantization->keep};
  if (o.weights || o.tables || !o.keep.empty()) formats.keep = o.keep;
  formats.weights = o.weights.value_or(formats.weights);
  formats.tables = o.tables.value_or(formats.tables);
  return formats;
}

Answer answer(const Options& o, const assemble::OpenOptions& engine) {
  Answer a;
  a.model = o.model.empty() ? "the bundled model" : o.model;
  a.config = named_config(o.model, engine);
  a.request.formats = formats_of(o, a.config);
  const bool quantized = a.request.formats.weights != "bf16";
  a.request.cache =
      engine.cache_format.value_or(quantized ? model::CacheFormat::q8 : model::CacheFormat::f32);
  const std::int64_t longest = a.config.max_position_embeddings;
  a.request.context =
      engine.context == 0 ? std::min<std::int64_t>(longest, a.request.context) : engine.context;
  a.request.depth = o.depth;
  a.request.prompt = o.prompt;
  if (std::max({a.request.context, o.prompt, o.depth}) > longest) {
    fail(ErrorKind::usage, "the model has {} positions; --ctx, --prompt and --depth stay within", longest);
  }
  const CpuInfo cpu = cpu_info();
  const kernels::OpTable& ops = kernels::select_set(engine.kernels, cpu, engine.activations);
  a.kernels = ops.name;
  const int threads = engine.threads == 0 ? cpu.cores : engine.threads;
  a.now = system_memory();
  const std::uint64_t all = o.memory_gb ? static_cast<std::uint64_t>(*o.memory_gb * 1e9) : a.now.total;
  const SystemMemory memory = {all, all};  // other programs may end
  a.fit = plan::plan_memory_fit(a.config, a.request, memory);
  a.fitting = plan::formats_that_fit(a.config, a.request, memory);
  if (a.fit.fits() && !o.no_speed) {
    a.machine = plan::measure_machine(ops, threads, o.disk);
    a.machine.memory = memory;
    a.fit = plan::plan_fit(a.config, a.request, a.machine);
  }
  a.machine.threads = threads;
  return a;
}

std::string would_fit(const Answer& a) {
  const assemble::MemoryPlan& m = a.fit.memory;
  std::string text =
      fmt::format("does not fit: weights {}, working memory {} and {} tokens of cache ({}) exceed {}",
                  bytes_text(m.weights), bytes_text(m.working), a.request.context,
                  bytes_text(a.fit.context_bytes), bytes_text(m.system.available));
  if (!a.fitting.empty()) {
    text += fmt::format("; with --weights and --tables {} it would fit", fmt::join(a.fitting, " or "));
  }
  if (const std::int64_t context = a.fit.context_that_fits(); context > 0) {
    text += fmt::format("; a context of {} would fit (--ctx)", context);
  } else if (a.fitting.empty()) {
    text += "; no format of weights makes it fit, it takes a machine with more memory";
  }
  return text;
}

Json cost_json(const plan::PassCost& cost) {
  return {{"matrix_bytes", cost.matrix_bytes},
          {"products_ms", 1e3 * cost.products_s},
          {"attention_ms", 1e3 * cost.attention_s},
          {"exposed_wait_ms", 1e3 * cost.rows_s}};
}

Json json_report(const Answer& a) {
  const config::Footprint f = config::footprint_of(a.config, plan::planned_layout(a.config));
  const assemble::MemoryPlan& m = a.fit.memory;
  Json out = {{"model", a.model},
              {"fits", a.fit.fits()},
              {"decode_tok_s", nullptr},
              {"prefill_tok_s", nullptr},
              {"bytes",
               {{"weights", m.weights},
                {"tables", a.fit.tables()},
                {"cache_per_token", m.cache_per_token},
                {"workspace", m.working},
                {"draft", m.draft}}},
              {"parameters",
               {{"total", f.total},
                {"ngram", f.ngram},
                {"activated_min", f.activated_min},
                {"activated_max", f.activated_max},
                {"draft", f.of(config::Part::draft)}}},
              {"formats", {{"weights", a.request.formats.weights}, {"tables", a.request.formats.tables}}},
              {"context", a.request.context},
              {"context_that_fits", a.fit.context_that_fits()},
              {"tables_in_memory", a.fit.cached_rows},
              {"formats_that_fit", a.fitting},
              {"machine",
               {{"cpu", cpu_info().name},
                {"threads", a.machine.threads},
                {"kernels", a.kernels},
                {"memory", a.now.total},
                {"available_now", a.now.available}}}};
  if (a.has_speed()) {
    out["decode_tok_s"] = a.decode_tok_s();
    out["prefill_tok_s"] = a.prefill_tok_s();
    out["decode"] = cost_json(a.fit.decode);
    out["prefill"] = cost_json(a.fit.prefill);
    out["predicted_error"] = Json();  // not measured yet
    out["machine"]["memory_read_bytes_per_s"] = a.machine.memory_read;
    out["machine"]["fp32_products_per_s"] = a.machine.fp32_rate;
    if (a.machine.disk_reads) out["machine"]["disk_reads_per_s"] = *a.machine.disk_reads;
  }
  if (!a.fit.fits()) out["why"] = would_fit(a);
  return out;
}

std::string speed_lines(const Answer& a) {
  const auto parts = [](const plan::PassCost& cost) {
    return fmt::format("products {:.2f} ms, attention {:.2f} ms, rows from disk {:.2f} ms",
                       1e3 * cost.products_s, 1e3 * cost.attention_s, 1e3 * cost.rows_s);
  };
  std::string out = fmt::format("speed, predicted with {} threads, {}\n", a.machine.threads, a.kernels);
  out += fmt::format("  decode   {:>10.1f} tok/s  after {} tokens: {}\n", a.decode_tok_s(), a.request.depth,
                     parts(a.fit.decode));
  out += fmt::format("  prefill  {:>10.1f} tok/s  of {} tokens: {}\n", a.prefill_tok_s(), a.request.prompt,
                     parts(a.fit.prefill));
  out += a.beyond_caches() ? "  not yet compared with nestor bench: its error is not known\n"
                           : "  a token reads less than 50 MB, which caches serve: rather a guess\n";
  if (!a.machine.disk_reads && a.fit.cached_rows < 1) {
    out += "  memory does not hold all tables; --disk FILE measures what reading them costs\n";
  }
  return out;
}

std::string text_report(const Answer& a) {
  const config::Footprint f = config::footprint_of(a.config, plan::planned_layout(a.config));
  const auto billions = [](std::int64_t n) { return static_cast<double>(n) / 1e9; };
  std::string out = fmt::format(
      "{}: {:.3f} B parameters, {:.3f} B of n-grams, {:.3f} to {:.3f} B activated, draft block {}\n", a.model,
      billions(f.total), billions(f.ngram), billions(f.activated_min), billions(f.activated_max),
      f.of(config::Part::draft) == 0
          ? std::string("not asked for by config.json (published files have one all the same)")
          : fmt::format("{:.3f} B", billions(f.of(config::Part::draft))));
  out += fmt::format("weights {}, tables {}\n\n{}\n\n", a.request.formats.weights, a.request.formats.tables,
                     assemble::memory_table(a.fit.memory));
  out += a.fit.fits() ? fmt::format("fits, with a context of {} tokens; {} would fit\n", a.request.context,
                                    a.fit.context_that_fits())
                      : would_fit(a) + "\n";
  const std::uint64_t taken = a.fit.memory.weights + a.fit.memory.working + a.fit.context_bytes;
  if (a.fit.fits() && taken > a.now.available && a.fit.memory.system.total <= a.now.total) {
    out += fmt::format("now only {} are available: end other programs\n", bytes_text(a.now.available));
  }
  if (a.has_speed()) out += "\n" + speed_lines(a);
  return out;
}

int execute(const Options& o, const assemble::OpenOptions& engine) {
  const Answer a = answer(o, engine);
  print(o.json ? to_text(json_report(a)) + "\n" : text_report(a));
  return 0;
}

}  // namespace

Command plan_fit_command(CLI::App& group, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      group.add_subcommand("fit", "Say whether a model fits this machine, and how fast it would be");
  add_model(*app, o->model, "checkpoint folder, a config.json, or lite or tiny");
  app->add_option("--weights", o->weights, "Matrices: bf16, q8 or q4 (default: as the model has them)")
      ->option_text("F")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}));
  app->add_option("--tables", o->tables,
                  "Word and n-gram tables: bf16, q8, q6, q5, q4, q3 or q2 (default: as the model has them)")
      ->option_text("F")
      ->check(CLI::IsMember({"bf16", "q8", "q6", "q5", "q4", "q3", "q2"}));
  app->add_option("--keep", o->keep, "Another format for tensors of such a name, as for convert (repeatable)")
      ->option_text("PATTERN=F")
      ->allow_extra_args(false);
  const CLI::Range count(std::int64_t{1}, std::int64_t{1} << 20);
  app->add_option("--prompt", o->prompt, "Tokens of the prompt (default 512)")
      ->option_text("N")
      ->check(count);
  app->add_option("--depth", o->depth, "Tokens before the one decoded (default 0)")
      ->option_text("N")
      ->check(at_least_zero());
  app->add_option("--memory", o->memory_gb,
                  "Plan for so much memory, in GB (default: what this process may have)")
      ->option_text("GB")
      ->check(CLI::Range(0.001, 1e6));
  app->add_option("--disk", o->disk, "A large file on the disk of the tables, to measure its random reads")
      ->option_text("FILE");
  app->add_flag("--no-speed", o->no_speed, "Leave out speeds, for which the machine is measured");
  app->add_flag("--json", o->json, "Print one JSON object");
  app->footer(
      "Examples:\n  nestor plan fit lite --weights q4 --tables q4\n"
      "  nestor plan fit some/config.json --memory 64 --json");
  return {app,
          [o, &engine] { return execute(*o, engine); },
          {"--threads", "--ctx", "--kernels", "--activations", "--dtype", "--accept-key"}};
}

}  // namespace nestor::app
