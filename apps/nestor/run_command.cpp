// nestor run: a prompt in, text out, streamed.
#include <optional>

#include "arguments.h"
#include "base/error.h"
#include "base/json.h"
#include "draft_options.h"
#include "interrupt.h"
#include "kernels/op_args.h"
#include "sampling_options.h"
#include "terminal.h"

namespace nestor::app {
namespace {

constexpr std::int64_t kDefaultNewTokens = 256;

struct Options {
  std::string model;
  std::optional<std::string> prompt;
  std::optional<std::string> prompt_file;
  std::optional<std::string> ids;
  std::optional<std::int64_t> new_tokens;
  std::vector<std::string> stops;
  std::string stop_ids;
  std::optional<std::int64_t> logprobs;
  SamplingOptions sampling;
  DraftOptions drafts;
  bool ignore_eos = false;
  bool special = false;
  bool json = false;
};

double rate(std::int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

class Run {
 public:
  Run(const Options& options, const assemble::OpenOptions& engine)
      : o_(options),
        opened_(assemble::open(resolve_model(options.model), with_drafts(engine, options.drafts))),
        model_(opened_.model()) {
    if (opened_.has_tokenizer()) opened_.tokenizer();
    opened_.defaults();
  }

  int execute() {
    decode::Turn turn(prompt_ids(), sampling(), stop_rule());
    turn.check_against(model_.info());
    turn.draft_with(opened_.speculation(), opened_.draft_wish());
    if (!opened_.has_tokenizer() && !o_.stops.empty()) {
      fail(ErrorKind::usage, "--stop needs the tokenizer.json that {} lacks; use --stop-ids",
           opened_.path().string());
    }
    const InterruptScope interrupt;
    const auto text = assemble::generate_text(model_, turn, stream(), interrupt.stop(), [&](auto piece) {
      if (!o_.json) print(piece);
    });
    report(turn, text);
    return text.reason == decode::FinishReason::cancelled ? kInterruptedExit : 0;
  }

 private:
  std::vector<TokenId> prompt_ids() {
    if (o_.ids) return parse_ids(*o_.ids);
    if (!opened_.has_tokenizer()) {
      fail(ErrorKind::not_found, "{}: no tokenizer.json in this folder; give the prompt as --ids",
           opened_.path().string());
    }
    const std::string text = o_.prompt ? *o_.prompt : read_text(*o_.prompt_file);
    const auto control =
        o_.special ? tokenizer::ControlTokens::everywhere() : tokenizer::ControlTokens::nowhere();
    return assemble::encode_prompt(opened_.tokenizer(), text, control);
  }

  assemble::TextStream stream() {
    if (!opened_.has_tokenizer()) return assemble::TextStream::of_ids();
    return {opened_.tokenizer(), tokenizer::ControlText::keep, o_.stops};
  }

  decode::SamplingParams sampling() {
    decode::SamplingParams params = resolve_sampling(o_.sampling, opened_.defaults());
    params.top_logprobs = o_.logprobs;
    return params;
  }

  decode::StopRule stop_rule() {
    decode::StopRule rule = assemble::stop_rule(opened_.defaults(), o_.new_tokens, kDefaultNewTokens);
    if (o_.ignore_eos) rule.ids.clear();
    for (const TokenId id : parse_ids(o_.stop_ids, "--stop-ids")) rule.ids.push_back(id);
    return rule;
  }

  void report(const decode::Turn& turn, const assemble::GeneratedText& text) const {
    const auto prompt = std::ssize(turn.prompt()), generated = std::ssize(turn.generated());
    const double prompt_rate = rate(prompt, text.prompt_seconds);
    const double decode_rate = rate(std::max<std::int64_t>(generated - 1, 0), text.decode_seconds);
    if (!o_.json) {
      print("\n");
    } else {
      Json out;
      out["ids"] = std::vector<TokenId>(turn.generated().begin(), turn.generated().end());
      out["text"] = opened_.has_tokenizer() ? Json(text.text) : Json(nullptr);
      out["finish_reason"] = reason_text(text.reason);
      out["prompt_tokens"] = prompt;
      if (o_.logprobs) out["logprobs"] = logprobs_json(turn);
      out["timings"] = {{"prompt_seconds", text.prompt_seconds},
                        {"prompt_tok_s", prompt_rate},
                        {"decode_seconds", text.decode_seconds},
                        {"decode_tok_s", decode_rate}};
      const bool drafts = !turn.draft_wish().kinds.empty();
      const decode::DraftTally tally = drafts ? turn.draft_tally() : decode::DraftTally{};
      out["speculation"] = {{"drafter", decode::to_text(turn.draft_wish())},
                            {"drafted", tally.drafted},
                            {"accepted", tally.accepted},
                            {"forwards", tally.forwards}};
      print(to_text(out) + "\n");
    }
    note(fmt::format("prompt: {} tokens, {:.1f} tok/s; decode: {} tokens, {:.1f} tok/s ({}, {})", prompt,
                     prompt_rate, generated, decode_rate, reason_text(text.reason), model_.ops().name));
  }

  static Json logprobs_json(const decode::Turn& turn) {
    Json all = Json::array();
    for (const decode::Choice& choice : turn.logprobs()) {
      Json top = Json::array();
      for (const auto& t : choice.top) top.push_back({{"id", t.id}, {"logprob", t.logprob}});
      all.push_back({{"id", choice.id}, {"logprob", choice.logprob.value_or(0)}, {"top", std::move(top)}});
    }
    return all;
  }

  static const char* reason_text(decode::FinishReason reason) {
    switch (reason) {
      case decode::FinishReason::stop:
        return "stop";
      case decode::FinishReason::cancelled:
        return "cancelled";
      default:
        return "length";
    }
  }

  const Options& o_;
  assemble::OpenedModel opened_;
  model::Model& model_;
};

}  // namespace

Command run_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("run", "Continue a prompt, streaming the text");
  add_model(*app, o->model);
  const std::string prompt = "Prompt (exactly one)";
  app->add_option("-p,--prompt", o->prompt, "The text to continue")->option_text("TEXT")->group(prompt);
  app->add_option("--prompt-file", o->prompt_file, "A file with the text, - for standard input")
      ->option_text("FILE")
      ->group(prompt);
  app->add_option("--ids", o->ids, "Token ids instead of text, e.g. \"1 2 3\"")
      ->option_text("IDS")
      ->group(prompt);
  app->add_option("-n,--max-tokens", o->new_tokens,
                  "At most N new tokens (default: max_new_tokens of the model, else 256)")
      ->check(at_least_zero())
      ->option_text("N");
  app->add_option("--stop", o->stops, "Stop before this text (repeatable)")
      ->option_text("TEXT")
      ->allow_extra_args(false);
  app->add_option("--stop-ids", o->stop_ids, "Stop at these tokens as well")->option_text("IDS");
  app->add_flag("--ignore-eos", o->ignore_eos, "Do not stop at the model's own stop tokens");
  app->add_flag("--special", o->special, "Read control tokens written in the prompt as tokens, not as text");
  auto* json = app->add_flag("--json", o->json,
                             "Print one JSON object: ids, text, finish_reason, speculation, timings");
  app->add_option("--logprobs", o->logprobs,
                  "With --json: log-probability of each token, and the N best tokens of its place")
      ->check(at_least_zero())
      ->option_text("N")
      ->needs(json);
  add_sampling_options(*app, o->sampling);
  add_draft_options(*app, o->drafts);
  app->footer(
      "Examples:\n  nestor run -p \"Once upon a time there was\"\n"
      "  nestor run MODEL --prompt-file story.txt -n 400 --temperature 0.8 --top-p 0.9 --seed 7\n"
      "  nestor run MODEL --ids \"1 17 42\" -n 16 --temperature 0 --json");
  return {app,
          [o, app, &engine] {
            require_one_of(*app, {"--prompt", "--prompt-file", "--ids"});
            return Run(*o, engine).execute();
          },
          engine_options()};
}

}  // namespace nestor::app
