#include "serve/answer/chat_reader.h"

#include <utility>

#include "serve/answer/ending.h"

namespace nestor::serve {

ChatReader::ChatReader(std::shared_ptr<Answers> answers, const tokenizer::Tokenizer& tokenizer,
                       Options options)
    : answers_(std::move(answers)),
      tokenizer_(tokenizer),
      options_(std::move(options)),
      pipe_(tokenizer, options_.text),
      parser_(options_.tools, options_.begins) {}

decode::Verdict ChatReader::token(const decode::Choice& choice) {
  if (options_.logprobs) logprobs_.push_back(chat_logprob(tokenizer_, choice));
  put(parser_.push(pipe_.push(choice.id)));
  const bool enough = options_.one_call && call_count_ > 0;
  return enough || pipe_.stopped() ? decode::Verdict::stop : decode::Verdict::go_on;
}

void ChatReader::finished(const schedule::Outcome& outcome) {
  if (outcome.error) return answers_->done(options_.index, nullptr, outcome);
  chat::AnswerEvents rest = parser_.push(pipe_.finish());
  for (auto& event : parser_.finish()) rest.push_back(std::move(event));
  if (options_.one_call && call_count_ > 0) rest.clear();
  put(rest);
  std::string reason = finish_reason(pipe_, outcome);
  Json why = stop_reason(pipe_, outcome, options_.eos_ids);
  if (call_count_ > 0 && reason == "stop") reason = "tool_calls";
  Json whole;
  if (!answers_->stream()) {
    whole = {{"index", options_.index},
             {"message", message()},
             {"logprobs", take_logprobs()},
             {"finish_reason", reason},
             {"stop_reason", std::move(why)}};
  } else if (outcome.reason != decode::FinishReason::cancelled) {
    stream(Json::object(), reason, std::move(why));
  }
  answers_->done(options_.index, std::move(whole), outcome);
}

void ChatReader::put(const chat::AnswerEvents& events) {
  if (!answers_->stream()) {
    for (const auto& event : events) {
      if (const auto* content = std::get_if<chat::ContentDelta>(&event)) content_ += content->text;
      if (const auto* reasoning = std::get_if<chat::ReasoningDelta>(&event)) reasoning_ += reasoning->text;
      if (const auto* made = std::get_if<chat::ToolCall>(&event)) calls_.push_back(call(*made));
    }
    return;
  }
  for (const auto& event : events) stream(delta_of(event), nullptr);
  if (events.empty() && !logprobs_.empty()) stream({{"content", ""}}, nullptr);
}

void ChatReader::stream(Json delta, Json finish_reason, Json stop_reason) {
  if (!std::exchange(begun_, true)) stream({{"role", "assistant"}, {"content", ""}}, nullptr);
  const bool first = delta.contains("role");
  answers_->chunk({{"index", options_.index},
                   {"delta", std::move(delta)},
                   {"logprobs", first ? Json(nullptr) : take_logprobs()},
                   {"finish_reason", std::move(finish_reason)},
                   {"stop_reason", std::move(stop_reason)}});
}

Json ChatReader::delta_of(const chat::AnswerEvent& event) {
  if (const auto* content = std::get_if<chat::ContentDelta>(&event)) return {{"content", content->text}};
  if (const auto* reasoning = std::get_if<chat::ReasoningDelta>(&event)) {
    return {{"reasoning_content", reasoning->text}};
  }
  Json made = {{"index", call_count_}};
  made.update(call(std::get<chat::ToolCall>(event)));
  return {{"tool_calls", Json::array({std::move(made)})}};
}

Json ChatReader::call(const chat::ToolCall& call) {
  ++call_count_;
  return {{"id", options_.call_id()},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

Json ChatReader::message() {
  const bool only_calls = content_.empty() && !calls_.empty();
  Json message = {{"role", "assistant"}, {"content", only_calls ? Json(nullptr) : Json(std::move(content_))}};
  if (!reasoning_.empty()) message["reasoning_content"] = std::move(reasoning_);
  message["refusal"] = nullptr;
  if (!calls_.empty()) message["tool_calls"] = std::move(calls_);
  return message;
}

Json ChatReader::take_logprobs() {
  if (logprobs_.empty()) return nullptr;
  return {{"content", std::exchange(logprobs_, Json::array())}, {"refusal", nullptr}};
}

}  // namespace nestor::serve
