// nestor plan collisions: which n-grams of a corpus share rows, and which table sizes keep them apart.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "config/model_config.h"
#include "interrupt.h"
#include "plan/collisions.h"
#include "plan/table_size.h"
#include "plan_command.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string corpus;
  std::vector<double> ratios;
  std::string split = "train";
  plan::CollisionRequest request;
  double memory_gb = 1;
  bool json = false;
};

// Sizes that were asked for, and for each one that keeps n-grams apart, where that is another.
struct Sizes {
  std::vector<std::int64_t> asked;
  std::vector<std::int64_t> recommended;

  std::vector<std::int64_t> all() const {
    std::vector<std::int64_t> rows = asked;
    rows.insert(rows.end(), recommended.begin(), recommended.end());
    return rows;
  }
};

Sizes sizes_of(const Options& o, std::int64_t vocab_size) {
  Sizes sizes = {o.request.rows, {}};
  for (const double ratio : o.ratios) {
    const config::NgramSpec spec = {.order = 2, .splits = 1, .ratio = ratio, .vocab_size = vocab_size};
    sizes.asked.push_back(spec.rows(0));
  }
  for (const std::int64_t rows : sizes.asked) {
    const std::int64_t better = plan::recommended_rows(rows, vocab_size);
    const bool known = std::ranges::count(sizes.all(), better) > 0;
    if (rows > 0 && !known) sizes.recommended.push_back(better);
  }
  return sizes;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Collisions over those of a random hash; 1 where neither has any.
double excess(const plan::TableCounts& t) {
  return t.random_collisions() < 0.5 ? 1 : static_cast<double>(t.collisions()) / t.random_collisions();
}

Json table_json(const plan::TableCounts& t, const plan::CollisionReport& report, std::int64_t vocab_size) {
  const plan::NearFraction near = plan::nearest_fraction(t.rows, vocab_size);
  return {{"order", t.order},
          {"rows", t.rows},
          {"distinct", t.distinct},
          {"collisions", t.collisions()},
          {"hit_rate", t.hit_rate()},
          {"random_collisions", t.random_collisions()},
          {"joint_collisions", t.joint_collisions},
          {"dead_rows", t.rows - t.touched},
          {"heaviest_row", t.heaviest},
          {"own_share", share(t.own_positions, report.positions)},
          {"busiest_percent_share", share(t.busiest_percent, report.positions)},
          {"busiest_tenth_share", share(t.busiest_tenth, report.positions)},
          {"ratio", share(t.rows, vocab_size)},
          {"near", {{"p", near.p}, {"q", near.q}, {"offset", near.offset}}},
          {"clearance", plan::clearance(t.rows, vocab_size)}};
}

Json json_report(const Options& o, const corpus::Shards& shards, const Sizes& sizes,
                 const plan::CollisionReport& report) {
  Json tables = Json::array(), recommended = Json::array();
  for (const plan::TableCounts& t : report.tables) {
    Json& list = std::ranges::count(sizes.asked, t.rows) > 0 ? tables : recommended;
    list.push_back(table_json(t, report, shards.vocab_size()));
  }
  return {{"corpus", o.corpus},
          {"split", o.split},
          {"vocab_size", shards.vocab_size()},
          {"positions", report.positions},
          {"counts", {{"ngrams_that_end_at_eos", true}, {"ngrams_that_begin_before_the_document", true}}},
          {"splits", o.request.splits},
          {"passes", report.passes},
          {"random_ids", report.ids_at_random()},
          {"tables", std::move(tables)},
          {"recommended", std::move(recommended)}};
}

std::string rows_lines(std::int64_t rows, const char* what, const Options& o, std::int64_t vocab_size,
                       const plan::CollisionReport& report) {
  const plan::NearFraction near = plan::nearest_fraction(rows, vocab_size);
  const bool joint = o.request.splits > 1;
  std::string out = fmt::format("\n{} rows{}: {:.4f} of the vocabulary, {:.3f} from {}/{}\n", rows, what,
                                share(rows, vocab_size), plan::clearance(rows, vocab_size), near.p, near.q);
  out += fmt::format("  {:<6}{:>13}{:>13}{:>9}{:>11}{:>12}{:>10}{:>8}{:>12}{:>13}{}\n", "order", "distinct",
                     "collisions", "random", "hit rate", "dead rows", "heaviest", "own", "busiest 1%",
                     "busiest 10%", joint ? "       joint" : "");
  for (const plan::TableCounts& t : report.tables) {
    if (t.rows != rows) continue;
    const auto percent = [&](std::int64_t part) { return 100 * share(part, report.positions); };
    out += fmt::format("  {:<6}{:>13}{:>13}{:>8.2f}x{:>11.4f}{:>12}{:>10}{:>7.1f}%{:>11.1f}%{:>12.1f}%{}\n",
                       t.order, t.distinct, t.collisions(), excess(t), t.hit_rate(), t.rows - t.touched,
                       t.heaviest, percent(t.own_positions), percent(t.busiest_percent),
                       percent(t.busiest_tenth), joint ? fmt::format("{:>12}", t.joint_collisions) : "");
  }
  return out;
}

std::string text_report(const Options& o, const corpus::Shards& shards, const Sizes& sizes,
                        const plan::CollisionReport& report) {
  std::string out = fmt::format(
      "{} of {}: {} positions, vocabulary {}\n"
      "one n-gram a position: the EOS ends one as every token does, and zeros stand before a document\n",
      o.split, o.corpus, report.positions, shards.vocab_size());
  for (const std::int64_t rows : sizes.asked) out += rows_lines(rows, "", o, shards.vocab_size(), report);
  for (const std::int64_t rows : sizes.recommended) {
    out += rows_lines(rows, " (recommended)", o, shards.vocab_size(), report);
  }
  return out;
}

int execute(const Options& o) {
  if (o.request.rows.empty() && o.ratios.empty()) {
    fail(ErrorKind::usage, "no table size is given; expected --rows or --ratio");
  }
  const corpus::Shards shards(o.corpus, o.split == "train" ? corpus::Split::train : corpus::Split::heldout);
  const Sizes sizes = sizes_of(o, shards.vocab_size());
  plan::CollisionRequest request = o.request;
  request.rows = sizes.all();
  request.bytes = static_cast<std::uint64_t>(o.memory_gb * 1e9);
  const InterruptScope interrupt;
  plan::CollisionReport report;
  {
    TerminalProgress progress("M tokens", 1e6);
    report = plan::count_collisions(shards, request, progress, interrupt.stop());
  }
  print(o.json ? to_text(json_report(o, shards, sizes, report)) + "\n"
               : text_report(o, shards, sizes, report));
  if (report.ids_at_random()) {
    note(
        "the ids of this corpus are not in the order of frequency (random ids, as those of the bundled "
        "tokenizer): collisions near whole multiples of the vocabulary do not show here");
  }
  return 0;
}

}  // namespace

Command plan_collisions_command(CLI::App& group) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      group.add_subcommand("collisions", "Count the n-grams of a corpus that share rows of tables");
  app->add_option("CORPUS", o->corpus, "A folder that nestor data wrote")->required();
  app->add_option("--rows", o->request.rows, "Rows of a table (repeatable)")
      ->option_text("M")
      ->allow_extra_args(false);
  app->add_option("--ratio", o->ratios, "Rows as ngram_vocab_size_ratio gives them (repeatable)")
      ->option_text("R")
      ->allow_extra_args(false)
      ->check(CLI::Range(0.0, 1e9));
  app->add_option("--max-order", o->request.max_order, "Longest n-gram (default 4)")->option_text("N");
  app->add_option("--splits", o->request.splits,
                  "Tables of an order, for joint collisions: M, M + 2, ... rows (default 1)")
      ->option_text("K");
  app->add_option("--split", o->split, "Part of the corpus to count (default train)")
      ->option_text("train|heldout")
      ->check(CLI::IsMember({"train", "heldout"}));
  app->add_option("--tokens", o->request.tokens, "Count the first T tokens only (default: all)")
      ->option_text("T")
      ->check(whole_number());
  app->add_option("--memory", o->memory_gb, "Memory for counting, in GB (default 1)")
      ->option_text("GB")
      ->check(CLI::Range(0.001, 1e5));
  app->add_flag("--json", o->json, "Print one JSON object");
  app->footer(
      "Examples:\n  nestor plan collisions corpus --ratio 30 --ratio 30.5\n"
      "  nestor plan collisions corpus --rows 10223617 --splits 4 --json");
  return {app, [o] { return execute(*o); }};
}

}  // namespace nestor::app
