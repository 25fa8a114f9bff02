#include "assemble/generate_text.h"

#include <chrono>

#include "base/error.h"
#include "decode/generate.h"

namespace nestor::assemble {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

std::vector<TokenId> encode_prompt(const tokenizer::Tokenizer& tokenizer, std::string_view text,
                                   const tokenizer::ControlTokens& control) {
  auto ids = tokenizer.encode(text, tokenizer::PostProcess::add, control);
  if (ids.empty()) fail(ErrorKind::usage, "the prompt is empty; expected at least one token");
  return ids;
}

GeneratedText generate_text(lm::LanguageModel& model, decode::Turn& turn, TextStream stream,
                            const std::stop_token& cancel, const OnText& on_text) {
  GeneratedText out;
  const auto emit = [&](const std::string& piece) {
    out.text += piece;
    if (!piece.empty()) on_text(piece);
  };
  const auto start = Clock::now();
  auto first = start;
  decode::generate(model, {&turn, 1}, {.cancel = cancel}, [&](std::size_t, const decode::Choice& choice) {
    if (first == start) first = Clock::now();
    emit(stream.push(choice.id));
    return stream.stopped() ? decode::Verdict::stop : decode::Verdict::go_on;
  });
  const auto end = Clock::now();
  emit(stream.finish());
  if (stream.stopped()) turn.finish(decode::FinishReason::stop);
  out.reason = turn.finish_reason();
  // Without a first token the prompt took all the time, unless nothing was asked for and nothing computed.
  if (turn.generated().empty() && out.reason != decode::FinishReason::length) first = end;
  out.prompt_seconds = seconds_between(start, first);
  out.decode_seconds = seconds_between(first, end);
  return out;
}

}  // namespace nestor::assemble
