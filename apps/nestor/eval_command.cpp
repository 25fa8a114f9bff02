// nestor eval: how well a model predicts a text, and how it does on tasks.
#include "eval/perplexity.h"

#include <cmath>
#include <optional>

#include "arguments.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "eval/divergence.h"
#include "eval/prompt.h"
#include "eval/tasks.h"
#include "interrupt.h"
#include "model/input_squares.h"
#include "terminal.h"

namespace nestor::app {
namespace {

constexpr std::uint64_t kMostTaskBytes = 256U << 20;

struct Options {
  std::string model;
  std::string text, choices, questions, against, importance;
  eval::Windows windows;
  std::int64_t max_tokens = 64;
  std::vector<std::string> stops = {"\n"};
  std::int64_t rows = 1024;
  bool json = false;
};

// What a kind of evaluation reports: for people, and as an object.
struct Report {
  std::string text;
  Json json;
};

std::string percent(const eval::Accuracy& a) {
  return fmt::format("{:.2f} % +- {:.2f} ({} of {})", 100 * a.value(), 100 * a.standard_error(), a.right,
                     a.total);
}

class Evaluation {
 public:
  Evaluation(const Options& options, const assemble::OpenOptions& engine)
      : o_(options),
        engine_(engine),
        opened_(assemble::open(resolve_model(options.model), engine)),
        tokenizer_(opened_.tokenizer()),
        model_(opened_.model()) {
    how_.rows_per_forward = o_.rows;
    how_.cancel = interrupt_.stop();
  }

  int execute() {
    const Report report = !o_.against.empty()   ? divergence()
                          : !o_.text.empty()    ? perplexity()
                          : !o_.choices.empty() ? choices()
                                                : answers();
    print(o_.json ? to_text(report.json) + "\n" : report.text);
    return 0;
  }

 private:
  Report perplexity() {
    const auto ids = eval::encode_text(tokenizer_, read_documents(o_.text));
    const model::InputSquares* inputs = nullptr;
    if (!o_.importance.empty()) {
      const OutputFile place(o_.importance);  // known now, not after an hour
      inputs = &model_.collect_inputs();
    }
    TerminalProgress progress("tokens", 1);
    const eval::Perplexity p = eval::perplexity(model_, tokenizer_, ids, o_.windows, how_, progress);
    if (inputs != nullptr) {
      inputs->write(o_.importance);
      note(fmt::format("{}: inputs of {} matrices; try nestor convert {} DST --weights q4 --importance {}",
                       o_.importance, inputs->matrices(), opened_.path().string(), o_.importance));
    }
    Report r;
    r.text = fmt::format(
        "{} tokens, {} bytes; window {}, stride {}\n"
        "nll per token  {:.4f} +- {:.4f} nats\nperplexity     {:.3f}\nbits per byte  {:.4f}\n",
        p.tokens, p.bytes, o_.windows.window, o_.windows.stride, p.nll_per_token(), p.standard_error,
        p.perplexity(), p.bits_per_byte());
    r.json = {{"nll_per_token", p.nll_per_token()},
              {"nll_standard_error", p.standard_error},
              {"perplexity", p.perplexity()},
              {"bits_per_byte", p.bits_per_byte()},
              {"tokens", p.tokens},
              {"bytes", p.bytes},
              {"window", o_.windows.window},
              {"stride", o_.windows.stride}};
    return r;
  }

  Report divergence() {
    const auto ids = eval::encode_text(tokenizer_, read_documents(o_.text));
    const auto source = assemble::open(o_.against, engine_).take_model();
    TerminalProgress progress("tokens", 1);
    const eval::Divergence d = eval::divergence(model_, *source, ids, o_.windows, how_, progress);
    const double tokens = static_cast<double>(d.tokens);
    const double model = std::exp(d.model_nll / tokens), reference = std::exp(d.source_nll / tokens);
    Report r;
    r.text = fmt::format(
        "{} tokens; window {}, stride {}\n"
        "perplexity     {:.4f}, source {:.4f} ({:+.3f} %)\n"
        "divergence     {:.6f} +- {:.6f} nats per token, largest {:.3f}\n"
        "agreement      {:.2f} % of the most likely tokens\n",
        d.tokens, o_.windows.window, o_.windows.stride, model, reference, 100 * d.perplexity_change(),
        d.mean(), d.standard_error, d.largest, 100 * d.agreement());
    r.json = {{"perplexity", model},
              {"source_perplexity", reference},
              {"perplexity_change", d.perplexity_change()},
              {"divergence", d.mean()},
              {"divergence_standard_error", d.standard_error},
              {"largest_divergence", d.largest},
              {"agreement", d.agreement()},
              {"tokens", d.tokens},
              {"window", o_.windows.window},
              {"stride", o_.windows.stride}};
    return r;
  }

  Report choices() {
    const auto tasks = eval::parse_multiple_choice(read_file(o_.choices, kMostTaskBytes), o_.choices);
    TerminalProgress progress("choices", 1);
    const auto result = eval::multiple_choice(model_, tokenizer_, tasks, how_, progress);
    warn_shortened(result.shortened);
    Report r;
    r.text = fmt::format("acc       {}\nacc_norm  {}\n", percent(result.acc), percent(result.acc_norm));
    r.json = {{"acc", result.acc.value()},           {"acc_stderr", result.acc.standard_error()},
              {"acc_norm", result.acc_norm.value()}, {"acc_norm_stderr", result.acc_norm.standard_error()},
              {"questions", result.acc.total},       {"shortened", result.shortened}};
    return r;
  }

  Report answers() {
    const auto tasks = eval::parse_generation(read_file(o_.questions, kMostTaskBytes), o_.questions);
    eval::GenerationOptions how;
    how.max_tokens = o_.max_tokens;
    how.stops = o_.stops;
    how.stop_ids = model_.info().eos_ids;
    how.decoding.rows_per_forward = std::max<std::int64_t>(o_.rows, how.decoding.turns_at_once);
    how.decoding.cancel = interrupt_.stop();
    TerminalProgress progress("tokens", 1);
    const auto result = eval::generation(model_, tokenizer_, tasks, how, progress);
    warn_shortened(result.shortened);
    Report r;
    r.text = fmt::format("exact_match  {}\n", percent(result.exact_match));
    r.json = {{"exact_match", result.exact_match.value()},
              {"exact_match_stderr", result.exact_match.standard_error()},
              {"questions", result.exact_match.total},
              {"shortened", result.shortened},
              {"answers", result.texts}};
    return r;
  }

  static void warn_shortened(std::int64_t count) {
    if (count > 0) note(fmt::format("{} questions did not fit the context and lost their beginning", count));
  }

  const Options& o_;
  const assemble::OpenOptions& engine_;
  assemble::OpenedModel opened_;
  const tokenizer::Tokenizer& tokenizer_;
  model::Model& model_;
  InterruptScope interrupt_;
  eval::ScoreOptions how_;
};

}  // namespace

Command eval_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("eval", "Measure a model on a text or on tasks");
  add_model(*app, o->model);
  const std::string what = "What to evaluate (exactly one)";
  app->add_option("--text", o->text, "Perplexity of a text file, - for standard input")
      ->option_text("FILE")
      ->group(what);
  app->add_option("--choices", o->choices, "Multiple choice: JSONL with question, choices and answer")
      ->option_text("FILE")
      ->group(what);
  app->add_option("--questions", o->questions,
                  "Exact match of greedy answers: JSONL with question and answer")
      ->option_text("FILE")
      ->group(what);
  app->add_option("--against", o->against,
                  "With --text: the model that this one was made from; measures the distance to it")
      ->option_text("SOURCE");
  app->add_option("--write-importance", o->importance,
                  "With --text: write what matrices are multiplied with, for nestor convert --importance")
      ->option_text("FILE");
  app->add_option("--window", o->windows.window, "With --text: tokens of a window (default 512)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->option_text("N");
  app->add_option("--stride", o->windows.stride,
                  "With --text: from one window to the next (default: the window)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->option_text("N");
  app->add_option("-n,--max-tokens", o->max_tokens, "With --questions: tokens of an answer (default 64)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
      ->option_text("N");
  app->add_option(
         "--stop", o->stops,
         "With --questions: an answer ends before this text (repeatable; default: the end of the line)")
      ->option_text("TEXT")
      ->allow_extra_args(false);
  app->add_option("--rows", o->rows, "Tokens in one forward pass (default 1024); the result is the same")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
      ->option_text("N");
  app->add_flag("--json", o->json, "Print one JSON object");
  app->footer(
      "Examples:\n  nestor eval --text book.txt\n  nestor eval MODEL --text book.txt --window 1024 --stride "
      "256 --json\n"
      "  nestor eval MODEL-q4 --text book.txt --against MODEL\n  nestor eval MODEL --choices quiz.jsonl\n  "
      "nestor eval MODEL --questions facts.jsonl -n 16");
  return {app,
          [o, app, &engine] {
            require_one_of(*app, {"--text", "--choices", "--questions"});
            if (!o->against.empty() && o->text.empty()) fail(ErrorKind::usage, "--against goes with --text");
            if (!o->importance.empty() && (o->text.empty() || !o->against.empty())) {
              fail(ErrorKind::usage, "--write-importance goes with --text and without --against");
            }
            if (app->count("--stride") == 0) o->windows.stride = o->windows.window;
            return Evaluation(*o, engine).execute();
          },
          engine_options()};
}

}  // namespace nestor::app
