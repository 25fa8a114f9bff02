// nestor serve: a model behind an OpenAI-compatible HTTP server.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "arguments.h"
#include "base/error.h"
#include "base/file.h"
#include "base/printable.h"
#include "config/footprint.h"
#include "draft_options.h"
#include "interrupt.h"
#include "serve/server.h"
#include "terminal.h"

namespace nestor::app {
namespace {

constexpr std::uint64_t kMostKeyBytes = 64U << 10;

struct Options {
  std::string model;
  serve::ServerOptions server;
  std::vector<std::string> names;
  std::string key_file;
  std::string chat_template;
  std::optional<std::int64_t> most_tokens;
  std::int64_t cache_mib = 0;
  std::size_t body_mib = 32;
  std::size_t bodies_mib = 0;  // 0: 256, or two of the largest
  std::size_t client_percent = 50;
  std::int64_t answer_seconds = 3600;
  std::int64_t drain_seconds = 30;
  std::string log_level = "info";
  DraftOptions drafts;
};

// One key per line; blank lines and lines that begin with # are left out.
std::vector<std::string> keys_in(const std::string& file) {
  std::vector<std::string> keys;
  std::string text = read_file(file, kMostKeyBytes) + "\n";
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line = text.substr(begin, end - begin);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line.front() != '#') keys.push_back(std::move(line));
  }
  if (keys.empty()) fail(ErrorKind::bad_input, "{}: expected an API key on a line of its own", file);
  return keys;
}

// The number type that most bytes of the weights have, in small letters.
std::string storage_of(const checkpoint::Checkpoint& files) {
  std::map<std::string, std::int64_t> bytes;
  for (const auto& [name, tensor] : files.tensors()) {
    bytes[std::string(name_of(tensor.entry->dtype))] += static_cast<std::int64_t>(tensor.entry->bytes);
  }
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string name = most == bytes.end() ? "none" : most->first;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return name;
}

std::string folder_name(const std::filesystem::path& folder) {
  const auto whole = std::filesystem::absolute(folder).lexically_normal();
  return (whole.filename().empty() ? whole.parent_path() : whole).filename().string();
}

serve::ServedModel served(const Options& o, assemble::OpenedModel& model) {
  const auto& defaults = model.defaults();
  std::vector<decode::DraftKind> drafters = model.draft_wish().kinds;
  if (std::ranges::find(drafters, decode::DraftKind::lookup) == drafters.end())
    drafters.push_back(decode::DraftKind::lookup);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {.names = o.names.empty() ? std::vector{folder_name(model.path())} : o.names,
          .tokenizer = std::move(model.tokenizer()),
          .chat = std::move(model.chat()),
          .defaults = {.sampling = defaults.sampling,
                       .stop_ids = defaults.stop_ids,
                       .min_tokens = defaults.min_new_tokens,
                       .max_tokens = defaults.max_new_tokens,
                       .most_max_tokens = o.most_tokens,
                       .drafts = model.draft_wish(),
                       .drafters = drafters},
          .quantization = storage_of(model.files()),
          .parameters = config::footprint_of(model.config()).total,
          .created = std::chrono::duration_cast<std::chrono::seconds>(now).count()};
}

// Writes a line of the log; false if it could not be written. The server does not wait for whoever reads it:
// without room in a pipe the line is dropped, as it is on a full disk. A pipe that says it has room takes
// more than a line.
bool write_log(std::string_view line) {
  pollfd log{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&log, 1, 0) != 1) return false;
  const std::string text = printable(line) + "\n";
  return ::write(STDERR_FILENO, text.data(), text.size()) == std::ssize(text);
}

int execute(const Options& o, const assemble::OpenOptions& engine) {
  serve::ServerOptions options = o.server;
  if (!o.key_file.empty()) {
    for (auto& key : keys_in(o.key_file)) options.access.api_keys.push_back(std::move(key));
  }
  options.http.body_bytes = o.body_mib << 20;
  const std::size_t bodies = o.bodies_mib > 0 ? o.bodies_mib << 20 : options.http.bodies_bytes;
  options.http.bodies_bytes = std::max(bodies, 2 * options.http.body_bytes);
  options.http.client_share = static_cast<double>(o.client_percent) / 100;
  options.http.answer_time = std::chrono::seconds(o.answer_seconds);
  auto& rows = options.engine.scheduler.rows_per_forward;
  rows = std::max(rows, 2 * options.engine.scheduler.running);
  options.log_level = serve::log_level(o.log_level);
  std::mutex writing;
  options.log = [&writing](std::string_view line) {
    const std::lock_guard lock(writing);
    return write_log(line);
  };

  assemble::OpenOptions limited = with_drafts(engine, o.drafts);
  limited.cache_bytes = o.cache_mib << 20;
  limited.chat_template = o.chat_template;
  auto opened = assemble::open(resolve_model(o.model), limited);
  auto model = opened.take_model();
  serve::ServedModel shown = served(o, opened);
  const std::string name = shown.names.front();
  ::signal(SIGPIPE, SIG_IGN);  // of the log
  const InterruptScope interrupt({SIGINT, SIGTERM, SIGHUP});
  serve::Server server(std::move(shown), std::move(model), options);
  write_log(fmt::format("serving {} at {} (Ctrl-C ends it)", name, server.url()));
  if (!server.is_loopback() && options.access.api_keys.empty()) {
    write_log("warning: anyone who reaches this address can use the model; give --api-key or --api-key-file");
  }
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, interrupt.stop(), [] { return false; });
  write_log("finishing the answers under way; once more ends it at once");
  server.drain(std::chrono::seconds(o.drain_seconds));
  return 0;
}

void add_address(CLI::App& app, Options& o) {
  const std::string group = "Address and access";
  auto& server = o.server;
  app.add_option("--host", server.http.host,
                 "The address to listen at (default 127.0.0.1: this machine only)")
      ->option_text("ADDRESS")
      ->group(group);
  app.add_option("--port", server.http.port, "The port to listen at, 0 for any that is free (default 8000)")
      ->option_text("N")
      ->group(group);
  app.add_option("--api-key", server.access.api_keys, "Ask clients for this key (repeatable)")
      ->option_text("KEY")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--api-key-file", o.key_file, "Ask clients for one of the keys in this file, one on a line")
      ->option_text("FILE")
      ->group(group);
  app.add_option("--cors-origin", server.access.cors_origins,
                 "Answer pages of this web site in a browser, * for all (repeatable; default none)")
      ->option_text("ORIGIN")
      ->allow_extra_args(false)
      ->group(group);
}

void add_limits(CLI::App& app, Options& o) {
  const std::string group = "Limits";
  const auto count = CLI::Range(std::int64_t{1}, std::int64_t{1} << 20);
  auto& server = o.server;
  const auto add = [&](const char* name, auto& value, const char* text, const char* what) {
    return app.add_option(name, value, what)->check(count)->option_text(text)->group(group);
  };
  add("--max-batch", server.engine.scheduler.running, "N",
      "Requests that are computed together (default 16)");
  add("--max-queue", server.engine.most_waiting, "N",
      "Requests that may wait; more get status 429 (default 128)");
  add("--prefill-chunk", server.engine.scheduler.prefill_chunk, "N",
      "Prompt tokens in one forward pass (default 256)");
  add("--cache-memory", o.cache_mib, "MIB",
      "Memory for the attention cache of all requests (default: what is available beside the weights)");
  add("--max-tokens", o.most_tokens, "N",
      "The most tokens that a request may ask for (default: what the context leaves)");
  add("--max-body", o.body_mib, "MIB", "The largest request body (default 32)");
  add("--max-bodies", o.bodies_mib, "MIB",
      "Request bodies together, until they are parsed (default 256, at least two of the largest)");
  add("--client-share", o.client_percent, "PERCENT",
      "What the bodies of one client address may take of that; 100 behind a proxy (default 50)")
      ->check(CLI::Range(1, 100));
  add("--max-connections", server.http.connections, "N", "Open connections (default 512)");
  add("--request-timeout", o.answer_seconds, "S", "Seconds for one answer (default 3600)");
  add("--drain-timeout", o.drain_seconds, "S",
      "Seconds for answers under way when the server ends (default 30)");
}

}  // namespace

Command serve_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("serve", "Serve a model over HTTP: OpenAI's API and a chat page");
  add_model(*app, o->model);
  add_address(*app, *o);
  add_limits(*app, *o);
  add_draft_options(*app, o->drafts);
  app->add_option("--model-name", o->names,
                  "The name that clients use (repeatable; default: that of the folder)")
      ->option_text("NAME")
      ->allow_extra_args(false);
  app->add_option("--chat-template", o->chat_template, "A Jinja file instead of the template of the model")
      ->option_text("FILE");
  app->add_option("--log-level", o->log_level,
                  "error, warn, info (default: one line for each request) or debug")
      ->option_text("LEVEL");
  app->footer(
      "Examples:\n  nestor serve\n  nestor serve MODEL --port 9000 --max-batch 32\n"
      "  nestor serve MODEL --host 0.0.0.0 --api-key-file keys.txt --model-name my-model");
  return {app, [o, &engine] { return execute(*o, engine); }, engine_options()};
}

}  // namespace nestor::app
