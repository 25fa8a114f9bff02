#include "serve/metrics_text.h"

#include <fmt/format.h>

#include <iterator>

#include "lm/language_model.h"

namespace nestor::serve {
namespace {

class Writer {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(out(), "# HELP nestor_{} {}\n# TYPE nestor_{} {}\n", name, help, name, type);
  }
  template <typename Number>
  void value(std::string_view name, Number number, std::string_view labels = {}) {
    fmt::format_to(out(), "nestor_{}{} {}\n", name, labels, number);
  }
  template <typename Number>
  void gauge(std::string_view name, Number number, std::string_view help) {
    head(name, "gauge", help);
    value(name, number);
  }
  template <typename Number>
  void counter(std::string_view name, Number number, std::string_view help) {
    head(name, "counter", help);
    value(name, number);
  }
  void histogram(const std::string& name, const schedule::Durations& durations, std::string_view help) {
    head(name, "histogram", help);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < durations.bounds.size(); ++i) {
      sum += durations.counts[i];
      value(name + "_bucket", sum, fmt::format("{{le=\"{}\"}}", durations.bounds[i]));
    }
    value(name + "_bucket", durations.count, "{le=\"+Inf\"}");
    value(name + "_sum", durations.sum);
    value(name + "_count", durations.count);
  }
  std::string take() { return std::move(text_); }

 private:
  std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }
  std::string text_;
};

void write_queue(Writer& w, const schedule::Snapshot& s) {
  w.gauge("requests_waiting", s.waiting, "Requests without a place in the batch.");
  w.gauge("requests_waiting_tokens", s.waiting_tokens, "Tokens of the prompts that wait.");
  w.gauge("requests_running", s.running, "Requests with a place in the batch.");
  w.gauge("step_prefill_rows", s.step_prefill_rows, "Prompt tokens in the last forward pass.");
  w.gauge("step_decode_rows", s.step_decode_rows, "Generated tokens in the last forward pass.");
  const double rate =
      s.step_seconds > 0 ? static_cast<double>(s.step_prefill_rows + s.step_decode_rows) / s.step_seconds : 0;
  w.gauge("step_tokens_per_second", rate, "Tokens per second of the last forward pass.");
}

void write_memory(Writer& w, const schedule::Snapshot& s) {
  if (s.pages < lm::Memory::unlimited)
    w.gauge("cache_pages", s.pages, "Pages that the attention cache can have.");
  w.gauge("cache_pages_in_use", s.pages_in_use, "Pages of the attention cache in use.");
  if (s.pages < lm::Memory::unlimited) {
    w.gauge("cache_use", static_cast<double>(s.pages_in_use) / static_cast<double>(s.pages),
            "Share of the attention cache in use, 0 to 1.");
  }
  w.gauge("cache_page_bytes", s.page_bytes, "Bytes of a page.");
  w.gauge("cache_page_positions", s.page_positions, "Token positions of a page.");
  w.gauge("prefixes_parked", s.parked, "Sequences kept for the prefixes they share with later requests.");
}

void write_totals(Writer& w, const schedule::Snapshot& s) {
  w.counter("steps_total", s.steps, "Forward passes.");
  w.counter("busy_seconds_total", s.busy_seconds, "Seconds in forward passes.");
  w.counter("prefill_tokens_total", s.prefill_tokens, "Prompt tokens computed.");
  w.counter("decode_tokens_total", s.decode_tokens, "Generated tokens computed.");
  w.counter("prompt_tokens_total", s.prompt_tokens, "Prompt tokens of admitted requests.");
  w.counter("prefix_hit_tokens_total", s.prefix_hit_tokens,
            "Prompt tokens that an earlier request had computed.");
  w.counter("generated_tokens_total", s.generated_tokens, "Tokens generated.");
  w.counter("preemptions_total", s.preemptions, "Requests that lost their place and are computed again.");
  w.counter("requests_submitted_total", s.submitted, "Requests given to the engine.");
  w.counter("requests_refused_total", s.refused, "Requests refused because the server was busy.");
  w.head("requests_finished_total", "counter", "Requests that ended, by reason.");
  w.value("requests_finished_total", s.finished_stop, "{reason=\"stop\"}");
  w.value("requests_finished_total", s.finished_length, "{reason=\"length\"}");
  w.value("requests_finished_total", s.finished_cancelled, "{reason=\"cancelled\"}");
  w.value("requests_finished_total", s.failed, "{reason=\"error\"}");
}

void write_drafts(Writer& w, const decode::DraftCounters& drafts) {
  const auto write = [&](const char* name, auto counts_of, std::string_view help) {
    w.head(name, "counter", help);
    for (std::size_t kind = 0; kind < decode::kDraftKinds; ++kind) {
      const auto& counts = counts_of(drafts.kinds[kind]);
      for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] == 0) continue;
        w.value(name, counts[i],
                fmt::format("{{drafter=\"{}\",position=\"{}\"}}",
                            decode::name_of(static_cast<decode::DraftKind>(kind)), i + 1));
      }
    }
  };
  using Kind = decode::DraftCounters::Kind;
  write(
      "drafted_tokens_total", [](const Kind& k) -> auto& { return k.drafted; },
      "Tokens drafted and verified, by drafter and position.");
  write(
      "accepted_draft_tokens_total", [](const Kind& k) -> auto& { return k.accepted; },
      "Of these, those that were right.");
  w.counter("unlikely_drafts_total", drafts.not_verified, "Drafts too unlikely to be verified.");
}

void write_rows(Writer& w, const char* name, const lm::RowReads& rows, std::string_view help) {
  w.head(name, "counter", help);
  w.value(name, rows.memory, "{tier=\"memory\"}");
  w.value(name, rows.disk, "{tier=\"disk\"}");
  w.value(name, rows.unknown, "{tier=\"unknown\"}");
}

}  // namespace

std::string metrics_text(const schedule::Snapshot& engine, const HttpCounts& http, std::size_t connections,
                         std::uint64_t log_lines_dropped) {
  Writer w;
  write_queue(w, engine);
  write_memory(w, engine);
  write_totals(w, engine);
  write_drafts(w, engine.drafts);
  write_rows(w, "ngram_rows_total", engine.model.ngram_rows,
             "Rows of n-gram tables read, by where they were.");
  write_rows(w, "word_rows_total", engine.model.word_rows, "Rows of word tables read, by where they were.");
  w.histogram("queue_seconds", engine.queued, "From submission to a place in the batch.");
  w.histogram("time_to_first_token_seconds", engine.first_token, "From submission to the first token.");
  w.histogram("inter_token_seconds", engine.inter_token, "Between two tokens of a request.");
  w.histogram("step_seconds", engine.step, "One forward pass and what follows from it.");
  w.histogram("request_seconds", engine.total, "From submission to the end.");
  w.gauge("http_connections", connections, "Open connections.");
  w.counter("log_lines_dropped_total", log_lines_dropped, "Lines of the log that could not be written.");
  w.head("http_responses_total", "counter",
         "Responses by route and status; status 0: the client left before.");
  for (const auto& [key, count] : http) {
    w.value("http_responses_total", count,
            fmt::format("{{route=\"{}\",status=\"{}\"}}", key.first, key.second));
  }
  return w.take();
}

}  // namespace nestor::serve
