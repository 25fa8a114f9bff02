#include "serve/api/generation_settings.h"

#include <algorithm>

#include "base/excerpt.h"
#include "serve/api/body.h"

namespace nestor::serve {
namespace {

constexpr std::size_t kMostStops = 64;
constexpr std::size_t kMostStopBytes = 1024;
constexpr std::size_t kMostStopIds = 4096;
constexpr std::size_t kMostBiases = 4096;
constexpr double kLeastTopP = 1e-9;  // nothing but the most likely token

void read_sampling(Body& body, decode::SamplingParams& s) {
  const auto take = [](auto&& given, auto& value) {
    if (given) value = *given;
  };
  take(body.number("temperature", 0, 100), s.temperature);
  if (const auto top_p = body.number("top_p", 0, 1)) s.top_p = std::max(*top_p, kLeastTopP);
  take(body.integer("top_k", -1, kMostTokens), s.top_k);
  take(body.number("min_p", 0, 1), s.min_p);
  take(body.number("repetition_penalty", 1e-6, 1e3), s.repetition_penalty);
  take(body.number("presence_penalty", -2, 2), s.presence_penalty);
  take(body.number("frequency_penalty", -2, 2), s.frequency_penalty);
  if (const auto seed = body.integer("seed", INT64_MIN, INT64_MAX))
    s.seed = static_cast<std::uint64_t>(*seed);
}

void read_logit_bias(Body& body, decode::SamplingParams& s) {
  const Json* biases = body.object("logit_bias");
  if (biases == nullptr) return;
  if (biases->size() > kMostBiases) body.bad("logit_bias", fmt::format("at most {} tokens", kMostBiases));
  for (const auto& [key, value] : biases->items()) {
    const bool digits =
        !key.empty() && key.size() <= 9 && key.find_first_not_of("0123456789") == std::string::npos;
    if (!digits) body.bad("logit_bias", fmt::format("expected token ids as keys, found {}", in_quotes(key)));
    if (!value.is_number()) body.bad("logit_bias", fmt::format("expected numbers, found {}", excerpt(value)));
    s.logit_bias[std::stoi(key)] = value.get<float>();
  }
}

std::vector<std::string> read_stops(Body& body) {
  const Json* stop = body.any("stop");
  std::vector<std::string> stops;
  const auto add = [&](const Json& text) {
    if (!text.is_string()) body.bad("stop", fmt::format("expected strings, found {}", excerpt(text)));
    stops.push_back(text.get<std::string>());
    if (stops.back().empty() || stops.back().size() > kMostStopBytes) {
      body.bad("stop", fmt::format("expected strings of 1 to {} bytes, found one of {}", kMostStopBytes,
                                   stops.back().size()));
    }
  };
  if (stop == nullptr) return stops;
  if (stop->is_string()) {
    add(*stop);
    return stops;
  }
  if (!stop->is_array()) body.bad("stop", "expected a string or an array of strings");
  if (stop->size() > kMostStops) body.bad("stop", fmt::format("at most {} strings", kMostStops));
  for (const Json& text : *stop) add(text);
  return stops;
}

void read_stop_ids(Body& body, const GenerationDefaults& defaults, GenerationSettings& settings) {
  settings.ignore_eos = body.boolean("ignore_eos").value_or(false);
  if (!settings.ignore_eos) settings.stop_ids = settings.eos_ids = defaults.stop_ids;
  if (const Json* ids = body.array("stop_token_ids")) {
    if (ids->size() > kMostStopIds) body.bad("stop_token_ids", fmt::format("at most {} ids", kMostStopIds));
    for (const TokenId id : token_ids(*ids, body.path("stop_token_ids"))) settings.stop_ids.push_back(id);
  }
}

void read_stream(Body& body, GenerationSettings& settings) {
  settings.stream = body.boolean("stream").value_or(false);
  const Json* given = body.object("stream_options");
  if (given == nullptr) return;
  if (!settings.stream) body.bad("stream_options", "only with stream: true");
  Body options(*given, body.path("stream_options"));
  settings.include_usage = options.boolean("include_usage").value_or(false);
  options.only("include_obfuscation", false, "nothing is padded here");
  options.only("continuous_usage_stats", false, "usage comes once, in the last chunk");
  options.refuse_unknown();
}

void read_drafts(Body& body, const GenerationDefaults& defaults, decode::DraftWish& drafts) {
  drafts = defaults.drafts;
  const auto tokens = body.integer("draft_tokens", 1, decode::kMostDrafts);
  if (const auto who = body.text("draft")) {
    try {
      drafts = decode::parse_draft_wish(*who);
    } catch (const Error& error) {
      body.bad("draft", error.what());
    }
    const auto lacks = [&](decode::DraftKind kind) {
      return std::ranges::find(defaults.drafters, kind) == defaults.drafters.end();
    };
    const auto missing = std::ranges::find_if(drafts.kinds, lacks);
    if (missing != drafts.kinds.end() && !drafts.only_if_it_pays) {
      body.bad("draft", fmt::format("this server's model has no drafter {}", decode::name_of(*missing)));
    }
    std::erase_if(drafts.kinds, lacks);
  }
  if (tokens) drafts.tokens = tokens;
}

void refuse_other_methods(Body& body) {
  body.only("use_beam_search", false, "there is no beam search");
  body.only("length_penalty", 1.0, "there is no beam search");
  body.only("early_stopping", false, "there is no beam search");
  body.only("spaces_between_special_tokens", true, "special tokens are written as they are");
  for (const char* key :
       {"guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs"}) {
    body.refuse(key, "use response_format with json_schema");
  }
  // What does not touch an answer: whose request it is, and what a provider would do with it afterwards.
  body.pass_over({"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
                  "prompt_cache_retention"});
}

}  // namespace

GenerationSettings read_generation_settings(Body& body, const GenerationDefaults& defaults,
                                            std::uint64_t seed) {
  GenerationSettings settings;
  settings.model = body.text("model");
  settings.sampling = defaults.sampling;
  settings.sampling.seed = seed;
  read_sampling(body, settings.sampling);
  read_logit_bias(body, settings.sampling);
  settings.n = body.integer("n", 1, defaults.most_choices).value_or(1);
  settings.min_tokens = body.integer("min_tokens", 0, kMostTokens);
  settings.stops = read_stops(body);
  read_stop_ids(body, defaults, settings);
  settings.include_stop = body.boolean("include_stop_str_in_output").value_or(false);
  settings.skip_special_tokens = body.boolean("skip_special_tokens").value_or(true);
  settings.priority = static_cast<int>(body.integer("priority", -1000, 1000).value_or(0));
  read_drafts(body, defaults, settings.drafts);
  read_stream(body, settings);
  refuse_other_methods(body);
  return settings;
}

void check_constrained(const GenerationSettings& settings) {
  const char* param = settings.ignore_eos ? "ignore_eos" : settings.stops.empty() ? nullptr : "stop";
  if (param == nullptr) return;
  throw RequestError(ErrorKind::unsupported, param,
                     fmt::format("{}: an answer of a given form (response_format, a required tool call) ends "
                                 "where the form is complete",
                                 param));
}

std::int64_t resolve_max_tokens(std::optional<std::int64_t> asked, std::optional<std::int64_t> by_default,
                                const GenerationDefaults& defaults, const PromptSize& prompt,
                                std::int64_t context_limit) {
  // The last token is never fed back, so it needs no room.
  const std::int64_t room = context_limit - prompt.tokens + 1;
  const auto refuse = [](const char* param, const std::string& message) {
    throw RequestError(ErrorKind::limit, param, message, "context_length_exceeded");
  };
  if (room < 1) {
    refuse(prompt.param,
           fmt::format("the prompt has {} tokens, but the context limit is {}: shorten the prompt",
                       prompt.tokens, context_limit));
  }
  if (asked && *asked > room) {
    refuse("max_tokens",
           fmt::format("the prompt has {} tokens and max_tokens is {}, but the context limit is {}",
                       prompt.tokens, *asked, context_limit));
  }
  const std::int64_t most = std::min(room, defaults.most_max_tokens.value_or(room));
  if (asked && *asked > most) {
    throw RequestError(ErrorKind::limit, "max_tokens",
                       fmt::format("max_tokens is {}, but this server gives at most {}", *asked, most));
  }
  return asked ? *asked : std::min(most, by_default.value_or(most));
}

}  // namespace nestor::serve
