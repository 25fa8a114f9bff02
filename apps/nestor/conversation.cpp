#include "conversation.h"

#include <algorithm>
#include <chrono>

#include "assemble/text_stream.h"
#include "decode/generate.h"

namespace nestor::app {
namespace {

constexpr std::int64_t kPrefillChunk = 256;  // between two chunks a stop request is seen

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

void Conversation::set_system(const std::string& text) {
  system_ = text;
  reset();
}

void Conversation::reset() {
  messages_ = Json::array();
  if (!system_.empty()) messages_.push_back({{"role", "system"}, {"content", system_}});
}

std::optional<std::string> Conversation::undo() {
  if (messages_.empty() || messages_.back().at("role") == "system") return std::nullopt;
  while (messages_.back().at("role") != "user") messages_.erase(messages_.size() - 1);
  auto question = messages_.back().at("content").get<std::string>();
  messages_.erase(messages_.size() - 1);
  return question;
}

Conversation::Answer Conversation::ask(const std::string& text, const decode::SamplingParams& sampling,
                                       const decode::StopRule& rule, const std::stop_token& stop,
                                       const std::function<void(std::string_view)>& on_text) {
  Json messages = messages_;
  messages.push_back({{"role", "user"}, {"content", text}});
  Answer answer = generate(messages, sampling, rule, stop, on_text);
  messages.push_back({{"role", "assistant"}, {"content", answer.text}});
  messages_ = std::move(messages);
  return answer;
}

Conversation::Answer Conversation::generate(const Json& messages, const decode::SamplingParams& sampling,
                                            const decode::StopRule& rule, const std::stop_token& stop,
                                            const std::function<void(std::string_view)>& on_text) {
  const Json request = {{"messages", messages}, {"add_generation_prompt", true}};
  decode::Turn turn(assemble::ChatFormat::encode(format_.render(request, chat::LocalTime::now()), tokenizer_),
                    sampling, rule);
  turn.draft_with(speculation_, drafts_);

  // What the sequence already holds of this prompt stays; its last token is computed again for its logits.
  const auto prompt = turn.prompt();
  const auto held = sequence_.history();
  const auto same =
      std::mismatch(prompt.begin(), prompt.end(), held.begin(), held.end()).first - prompt.begin();
  const auto reused = std::min<std::int64_t>(same, static_cast<std::int64_t>(prompt.size()) - 1);
  sequence_.truncate(reused);

  Answer answer;
  answer.prompt_tokens = static_cast<std::int64_t>(prompt.size());
  answer.reused_tokens = reused;
  assemble::TextStream stream(tokenizer_, tokenizer::ControlText::skip, {});
  const auto emit = [&](const std::string& piece) {
    answer.text += piece;
    if (!piece.empty()) on_text(piece);
  };
  const auto start = Clock::now();
  std::optional<Clock::time_point> first;
  decode::generate(model_, turn, sequence_, {.prefill_chunk = kPrefillChunk, .cancel = stop},
                   [&](const decode::Choice& choice) {
                     if (answer.tokens++ == 0) first = Clock::now();
                     emit(stream.push(choice.id));
                     return decode::Verdict::go_on;
                   });
  emit(stream.finish());
  const auto end = Clock::now();
  answer.prompt_seconds = seconds_between(start, first.value_or(end));
  answer.seconds = seconds_between(first.value_or(end), end);
  answer.reason = turn.finish_reason();
  return answer;
}

}  // namespace nestor::app
