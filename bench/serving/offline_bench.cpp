// The scheduler without a server: what the requests of a file take when all are there from the beginning.
//   serving_offline_bench MODEL REQUESTS [--running N] [--threads N]
// REQUESTS has one JSON object on a line: {"prompt": token ids, "max_tokens": n}. Greedy, without an end
// token. The last line is one JSON object. bench/serving/measure.py runs the same requests through a server.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "assemble/open.h"
#include "base/json.h"
#include "schedule/scheduler.h"

namespace {

using namespace nestor;

class Counting : public schedule::Reader {
 public:
  decode::Verdict token(const decode::Choice&) override {
    ++tokens;
    return decode::Verdict::go_on;
  }
  void finished(const schedule::Outcome& outcome) override {
    if (outcome.error) error = outcome.error->what();
    prompt_tokens += outcome.prompt_tokens;
    ++ended;
  }
  std::int64_t tokens = 0, prompt_tokens = 0, ended = 0;
  std::string error;
};

struct Options {
  std::string model, requests;
  std::int64_t running = 16;
  int threads = 0;
};

Options options_of(int argc, char** argv) {
  if (argc < 3)
    throw std::invalid_argument("usage: serving_offline_bench MODEL REQUESTS [--running N] [--threads N]");
  Options o{.model = argv[1], .requests = argv[2]};
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--running") o.running = std::stoll(argv[i + 1]);
    if (name == "--threads") o.threads = std::stoi(argv[i + 1]);
  }
  return o;
}

void add_all(const Options& o, schedule::Scheduler& scheduler, const std::shared_ptr<Counting>& reader) {
  std::ifstream file(o.requests);
  std::uint64_t id = 0;
  for (std::string line; std::getline(file, line);) {
    const Json request = parse_json(line, o.requests);
    decode::Turn turn(request.at("prompt").get<std::vector<TokenId>>(), {.temperature = 0},
                      {.max_tokens = request.at("max_tokens").get<std::int64_t>()});
    turn.check_against(scheduler.info());
    scheduler.add(std::make_unique<schedule::Entry>(
        schedule::RequestId{++id},
        schedule::Request{.turn = std::move(turn), .priority = 0, .reader = reader}));
  }
}

int measure(const Options& o) {
  assemble::OpenOptions engine;
  engine.threads = o.threads;
  const auto model = assemble::open(o.model, engine).take_model();
  schedule::SchedulerOptions how;
  how.running = o.running;
  how.rows_per_forward = std::max(how.rows_per_forward, 2 * how.running);
  schedule::Scheduler scheduler(*model, how);
  const auto reader = std::make_shared<Counting>();
  add_all(o, scheduler, reader);
  const auto begin = schedule::Clock::now();
  while (scheduler.step()) {
  }
  const double seconds = std::chrono::duration<double>(schedule::Clock::now() - begin).count();
  if (!reader->error.empty()) throw std::runtime_error(reader->error);
  const Json line = {{"bench", "serving_offline"},
                     {"running", o.running},
                     {"requests", reader->ended},
                     {"prompt_tokens", reader->prompt_tokens},
                     {"generated_tokens", reader->tokens},
                     {"seconds", seconds},
                     {"generated_per_second", static_cast<double>(reader->tokens) / seconds}};
  fmt::print("{}\n", to_text(line));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return measure(options_of(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "serving_offline_bench: {}\n", error.what());
    return 1;
  }
}
