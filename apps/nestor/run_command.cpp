// nestor run: a prompt in, text out, streamed.
#include <chrono>
#include <optional>

#include "arguments.h"
#include "base/error.h"
#include "base/json.h"
#include "decode/generate.h"
#include "interrupt.h"
#include "sampling_options.h"
#include "terminal.h"
#include "text_stream.h"

namespace nestor::app {
namespace {

using Clock = std::chrono::steady_clock;

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
  bool ignore_eos = false;
  bool special = false;
  bool json = false;
};

// When the prompt was read and when each part was done.
struct Timings {
  Clock::time_point start;
  Clock::time_point first_token;
  Clock::time_point end;

  double prompt_seconds() const { return std::chrono::duration<double>(first_token - start).count(); }
  double decode_seconds() const { return std::chrono::duration<double>(end - first_token).count(); }
};

double rate(std::int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

class Run {
 public:
  Run(const Options& options, const assemble::EngineOptions& engine)
      : o_(options), folder_(resolve_model(options.model)), model_(assemble::open_model(folder_, engine)) {
    const auto tokenizer_file = folder_ / "tokenizer.json";
    std::error_code error;
    if (std::filesystem::exists(tokenizer_file, error))
      tokenizer_.emplace(tokenizer::Tokenizer::load(tokenizer_file));
    defaults_ = assemble::read_generation_defaults(folder_, model_->config(), engine.accepted_keys);
  }

  int execute() {
    std::vector<decode::Turn> turns;
    turns.emplace_back(prompt_ids(), sampling(), stop_rule());
    turns[0].check_against(model_->info());
    if (!tokenizer_ && !o_.stops.empty()) {
      fail(ErrorKind::usage, "--stop needs the tokenizer.json that {} lacks; use --stop-ids",
           folder_.string());
    }
    if (tokenizer_) stream_.emplace(*tokenizer_, tokenizer::ControlText::keep, o_.stops);
    const InterruptScope interrupt;
    decode::GenerateOptions how;
    how.cancel = interrupt.stop();
    times_.start = times_.first_token = Clock::now();
    generate(*model_, turns, how,
             [&](std::size_t, const decode::Choice& choice) { return on_token(choice); });
    times_.end = Clock::now();
    // Without a first token the prompt took all the time, unless nothing was asked for and nothing computed.
    const bool idle = turns[0].finish_reason() == decode::FinishReason::length;
    if (generated_ == 0 && !idle) times_.first_token = times_.end;
    if (stream_) emit(stream_->finish());
    if (stream_ && stream_->stopped()) turns[0].finish(decode::FinishReason::stop);
    report(turns[0]);
    return turns[0].finish_reason() == decode::FinishReason::cancelled ? kInterruptedExit : 0;
  }

 private:
  std::vector<TokenId> prompt_ids() const {
    if (o_.ids) return parse_ids(*o_.ids);
    if (!tokenizer_) {
      fail(ErrorKind::not_found, "{}: no tokenizer.json in this folder; give the prompt as --ids",
           folder_.string());
    }
    const std::string text = o_.prompt ? *o_.prompt : read_text(*o_.prompt_file);
    const auto control =
        o_.special ? tokenizer::ControlTokens::everywhere() : tokenizer::ControlTokens::nowhere();
    auto ids = tokenizer_->encode(text, tokenizer::PostProcess::add, control);
    if (ids.empty()) fail(ErrorKind::usage, "the prompt is empty; expected at least one token");
    return ids;
  }

  decode::SamplingParams sampling() const {
    decode::SamplingParams params = resolve_sampling(o_.sampling, defaults_);
    params.top_logprobs = o_.logprobs;
    return params;
  }

  decode::StopRule stop_rule() const {
    decode::StopRule rule = assemble::stop_rule(defaults_, o_.new_tokens, kDefaultNewTokens);
    if (o_.ignore_eos) rule.ids.clear();
    for (const TokenId id : parse_ids(o_.stop_ids, "--stop-ids")) rule.ids.push_back(id);
    return rule;
  }

  decode::Verdict on_token(const decode::Choice& choice) {
    if (generated_++ == 0) times_.first_token = Clock::now();
    if (!stream_) {
      if (!o_.json) print(fmt::format("{}{}", generated_ == 1 ? "" : " ", choice.id));
      return decode::Verdict::go_on;
    }
    emit(stream_->push(choice.id));
    return stream_->stopped() ? decode::Verdict::stop : decode::Verdict::go_on;
  }

  void emit(const std::string& text) {
    text_ += text;
    if (!o_.json && !text.empty()) print(text);
  }

  void report(const decode::Turn& turn) const {
    const auto prompt_tokens = static_cast<std::int64_t>(turn.prompt().size());
    const std::int64_t decoded = std::max<std::int64_t>(generated_ - 1, 0);
    if (o_.json) {
      print(to_text(json_report(turn)) + "\n");
    } else {
      print("\n");
    }
    note(fmt::format("prompt: {} tokens, {:.1f} tok/s; decode: {} tokens, {:.1f} tok/s ({}, {})",
                     prompt_tokens, rate(prompt_tokens, times_.prompt_seconds()), generated_,
                     rate(decoded, times_.decode_seconds()), reason_text(turn.finish_reason()),
                     model_->kernel_set()));
  }

  Json json_report(const decode::Turn& turn) const {
    Json out;
    out["ids"] = std::vector<TokenId>(turn.generated().begin(), turn.generated().end());
    out["text"] = tokenizer_ ? Json(text_) : Json(nullptr);
    out["finish_reason"] = reason_text(turn.finish_reason());
    out["prompt_tokens"] = turn.prompt().size();
    if (o_.logprobs) out["logprobs"] = logprobs_json(turn);
    const double prompt = times_.prompt_seconds();
    const double decode = times_.decode_seconds();
    out["timings"] = {{"prompt_seconds", prompt},
                      {"prompt_tok_s", rate(static_cast<std::int64_t>(turn.prompt().size()), prompt)},
                      {"decode_seconds", decode},
                      {"decode_tok_s", rate(std::max<std::int64_t>(generated_ - 1, 0), decode)}};
    return out;
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
  std::filesystem::path folder_;
  std::unique_ptr<model::Model> model_;
  std::optional<tokenizer::Tokenizer> tokenizer_;
  assemble::GenerationDefaults defaults_;
  std::optional<TextStream> stream_;
  std::string text_;
  std::int64_t generated_ = 0;
  Timings times_;
};

}  // namespace

Command run_command(CLI::App& root, const assemble::EngineOptions& engine) {
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
  auto* json = app->add_flag("--json", o->json, "Print one JSON object: ids, text, finish_reason, timings");
  app->add_option("--logprobs", o->logprobs,
                  "With --json: log-probability of each token, and the N best tokens of its place")
      ->check(at_least_zero())
      ->option_text("N")
      ->needs(json);
  add_sampling_options(*app, o->sampling);
  app->footer(
      "Examples:\n  nestor run -p \"Once upon a time there was\"\n"
      "  nestor run MODEL --prompt-file story.txt -n 400 --temperature 0.8 --top-p 0.9 --seed 7\n"
      "  nestor run MODEL --ids \"1 17 42\" -n 16 --temperature 0 --json");
  return {app, [o, app, &engine] {
            require_one_of(*app, {"--prompt", "--prompt-file", "--ids"});
            return Run(*o, engine).execute();
          }};
}

}  // namespace nestor::app
