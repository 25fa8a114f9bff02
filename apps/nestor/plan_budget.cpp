// nestor plan budget: one budget of parameters spent in several ways, as recipes for nestor train.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "assets.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "convert/presets.h"
#include "named_config.h"
#include "plan/budget_base.h"
#include "plan/fit.h"
#include "plan/training_budget.h"
#include "plan_command.h"
#include "terminal.h"

namespace nestor::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string base;
  std::string total, activated;
  std::vector<double> shares;
  plan::BudgetRequest request;
  std::string tokenizer, data;
  std::string out;
  bool json = false;
};

constexpr std::uint64_t kMostJson = std::uint64_t{64} << 20;

// "730924", "4.2M", "1.3B".
std::int64_t parameters_of(const std::string& text, const char* option) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  const double factor = unit.empty() ? 1 : unit == "k" ? 1e3 : unit == "M" ? 1e6 : unit == "B" ? 1e9 : 0;
  const double parameters = number * factor;
  if (end == text.c_str() || !(parameters >= 1 && parameters <= 1e15)) {
    fail(ErrorKind::usage, "{}: expected a number of parameters such as 730924, 4.2M or 1.3B, found {}",
         option, in_quotes(text));
  }
  return std::llround(parameters);
}

plan::BudgetBase base_of(const Options& o) {
  if (is_built_in(o.base)) return {convert::preset(o.base), o.base, {}};
  std::error_code unreadable;
  const bool named =
      !fs::exists(o.base, unreadable) && o.base.find('/') == std::string::npos && !o.base.ends_with(".json");
  if (named) return {plan::preset_recipe(o.base), o.base, assets_folder()};
  const fs::path file =
      fs::is_directory(o.base, unreadable) ? fs::path(o.base) / "config.json" : fs::path(o.base);
  return {read_json(file, kMostJson), o.base, fs::absolute(file).parent_path()};
}

plan::BudgetRequest request_of(const Options& o, const plan::BudgetBase& base) {
  plan::BudgetRequest r = o.request;
  base.describe(r);
  if (!o.total.empty()) r.total = parameters_of(o.total, "--total");
  if (!o.activated.empty()) r.activated = parameters_of(o.activated, "--activated");
  if (!o.shares.empty()) r.shares = o.shares;
  return r;
}

plan::Fit memory_of(const plan::Candidate& c, const std::string& format) {
  plan::FitRequest request;
  request.formats = {.weights = format, .tables = format};
  return plan::plan_memory_fit(c.config, request, {});
}

constexpr std::array kFormats = {"bf16", "q8", "q4"};

Json candidate_json(const plan::Candidate& c, const plan::BudgetBase& base) {
  const config::Footprint& f = c.footprint;
  Json parts = Json::object(), memory = Json::object(), warnings = Json::array();
  for (std::size_t i = 0; i < config::kParts; ++i) {
    if (f.parameters[i] > 0)
      parts[std::string(config::name_of(static_cast<config::Part>(i)))] = f.parameters[i];
  }
  for (const char* format : kFormats) {
    const plan::Fit fit = memory_of(c, format);
    memory[format] = {{"weights", fit.memory.weights},
                      {"tables", fit.tables()},
                      {"cache_per_token", fit.memory.cache_per_token},
                      {"workspace", fit.memory.working}};
  }
  for (const plan::Warning& w : c.warnings) {
    warnings.push_back({{"id", w.id}, {"text", w.text}, {"source", w.source}, {"seen", w.seen}});
  }
  Json out = {{"name", base.name_of(c)},
              {"share", c.ngram_share()},
              {"experts", c.config.n_routed_experts},
              {"parameters",
               {{"total", f.total},
                {"ngram", f.ngram},
                {"activated", c.activated()},
                {"activated_min", f.activated_min},
                {"activated_max", f.activated_max},
                {"draft", f.of(config::Part::draft)},
                {"by_part", std::move(parts)}}},
              {"ratio", c.ratio()},
              {"forward_operations_per_token", c.forward_operations()},
              {"training_operations_per_token", 3 * c.forward_operations()},
              {"bytes_per_token", c.bytes_per_token()},
              {"memory", std::move(memory)},
              {"warnings", std::move(warnings)},
              {"recipe", base.recipe_of(c)}};
  if (c.config.ngram) {
    Json rows = Json::array();
    for (std::int64_t i = 0; i < c.config.ngram->tables(); ++i) rows.push_back(c.config.ngram->rows(i));
    out["tables"] = {{"order", c.config.ngram->order},
                     {"splits", c.config.ngram->splits},
                     {"ratio", c.config.ngram->ratio},
                     {"width", c.config.hidden_size / c.config.ngram->tables()},
                     {"rows", std::move(rows)}};
  }
  return out;
}

std::string text_report(const std::vector<plan::Candidate>& candidates, const plan::BudgetBase& base) {
  std::string out = fmt::format("{:<24}{:>8}{:>9}{:>4}{:>4}{:>11}{:>10}{:>16}{:>14}{:>8}{:>12}{:>11}\n",
                                "recipe", "n-gram", "experts", "N", "K", "rows", "V times", "parameters",
                                "activated", "ratio", "MFLOP/tok", "MB/tok");
  for (const plan::Candidate& c : candidates) {
    const auto& n = c.config.ngram;
    const auto number = [&](std::int64_t value) { return n ? std::to_string(value) : std::string("-"); };
    out += fmt::format(
        "{:<24}{:>7.1f}%{:>9}{:>4}{:>4}{:>11}{:>10}{:>16}{:>14.0f}{:>8.2f}{:>12.3f}{:>11.3f}\n",
        base.name_of(c), 100 * c.ngram_share(), c.config.n_routed_experts, number(n ? n->order : 0),
        number(n ? n->splits : 0), number(n ? n->rows(0) : 0), n ? fmt::format("{:.4f}", n->ratio) : "-",
        c.footprint.total, c.activated(), c.ratio(), c.forward_operations() / 1e6, c.bytes_per_token() / 1e6);
  }
  out += fmt::format("\n{:<24}{:>8}{:>16}{:>16}{:>16}{:>16}\n", "memory", "format", "weights",
                     "tables (disk)", "working", "cache a token");
  for (const plan::Candidate& c : candidates) {
    for (const char* format : kFormats) {
      const plan::Fit fit = memory_of(c, format);
      out += fmt::format("{:<24}{:>8}{:>16}{:>16}{:>16}{:>16}\n", base.name_of(c), format,
                         bytes_text(fit.memory.weights), bytes_text(fit.tables()),
                         bytes_text(fit.memory.working), bytes_text(fit.memory.cache_per_token));
    }
  }
  for (const plan::Candidate& c : candidates) {
    for (const plan::Warning& w : c.warnings) {
      out += fmt::format("\n{}: {}\n  after {}; seen here: {}\n", base.name_of(c), w.text, w.source, w.seen);
    }
  }
  return out;
}

void write_recipes(const std::string& folder, const std::vector<plan::Candidate>& candidates,
                   const plan::BudgetBase& base) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorKind::io, "{}: cannot make the folder: {}", folder, error.message());
  for (const plan::Candidate& c : candidates) {
    const fs::path path = fs::path(folder) / (base.name_of(c) + ".json");
    write_file(path, to_text(base.recipe_of(c), 2) + "\n");
    note(path.string());
  }
}

int execute(const Options& o) {
  plan::BudgetBase base = base_of(o);
  if (!o.tokenizer.empty()) base.set_tokenizer(o.tokenizer);
  if (!o.data.empty()) base.set_data(o.data);
  const std::vector<plan::Candidate> candidates = plan::plan_budget(request_of(o, base));
  if (!o.out.empty()) write_recipes(o.out, candidates, base);
  if (!o.json) {
    print(text_report(candidates, base));
    return 0;
  }
  Json recipes = Json::array();
  for (const plan::Candidate& c : candidates) recipes.push_back(candidate_json(c, base));
  print(to_text(Json{{"base", o.base}, {"recipes", std::move(recipes)}}) + "\n");
  return 0;
}

}  // namespace

Command plan_budget_command(CLI::App& group) {
  auto o = std::make_shared<Options>();
  CLI::App* app = group.add_subcommand("budget", "Spend a budget of parameters on experts and n-gram tables");
  app->add_option(
         "BASE", o->base,
         "A recipe (JSON, or a preset of nestor train), a config.json or its folder, or lite or tiny")
      ->required();
  app->add_option("--total", o->total, "Parameters in all, such as 4.2M or 1.3B (default: as BASE has)")
      ->option_text("N");
  app->add_option("--activated", o->activated, "Parameters that a token activates; scales the widths of BASE")
      ->option_text("N");
  app->add_option("--share", o->shares, "Share of n-grams in the total (repeatable; default 0 and 0.5)")
      ->option_text("X")
      ->allow_extra_args(false)
      ->check(CLI::Range(0.0, 0.999));
  app->add_option("--order", o->request.order, "N, the longest n-gram (default: as BASE has, else 4)")
      ->option_text("N")
      ->check(CLI::Range(std::int64_t{2}, std::int64_t{16}));
  app->add_option("--splits", o->request.splits, "K, tables of an order (default: as BASE has, else 4)")
      ->option_text("K")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{64}));
  app->add_option("--tokenizer", o->tokenizer, "The data.tokenizer of the recipes")->option_text("FILE");
  app->add_option("--data", o->data, "The data.train of the recipes")->option_text("PATH");
  app->add_option("--out", o->out, "Write the recipes into this folder")->option_text("DIR");
  app->add_flag("--json", o->json, "Print one JSON object");
  app->footer(
      "Examples:\n  nestor plan budget story --total 30M --share 0 --share 0.25 --share 0.5 --out recipes\n"
      "  nestor plan budget lite --activated 300M --json");
  return {app, [o] { return execute(*o); }};
}

}  // namespace nestor::app
