#include "study/serving.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "corpus/text_hash.h"
#include "recipe/model_json.h"
#include "study/grid.h"

namespace nestor::study {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kBytesOfANumber = 2;  // weights are bf16

void run_to_end(const ServingPlace& place, const ProcessCommand& command, const std::stop_token& stop) {
  const auto process = place.start(command);
  while (true) {
    if (stop.stop_requested()) fail(ErrorKind::cancelled, "interrupted; the same command goes on");
    if (const auto end = process->end()) {
      if (end->code == 0) return;
      fail(ErrorKind::bad_input, "nestor {} ended with code {}: see {}", command.arguments.front(), end->code,
           command.err.string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// The last line that nestor bench prints.
Json last_object(const fs::path& file) {
  std::istringstream lines(read_file(file, kMostFileBytes));
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("{")) last = line;
  }
  return parse_json(last, file.string());
}

// One sequence touches as many experts as a token picks; what a batch reads more are experts.
Json steps_of(const Json& bench, const Json& config) {
  const auto number = [&](const char* key) { return config.at(key).get<double>(); };
  const double expert =
      3 * number("hidden_size") * number("expert_ffn_hidden_size") * kBytesOfANumber * number("num_layers");
  Json steps = Json::array();
  double alone = 0;
  for (const Json& one : bench.at("decode")) {
    if (one.at("rows") != 1) continue;
    const double bytes = one.at("weight_bytes_per_step").get<double>();
    if (one.at("sequences") == 1) alone = bytes;
    steps.push_back({{"sequences", one.at("sequences")},
                     {"touched", number("moe_topk") + (bytes - alone) / expert},
                     {"tokens_per_second", one.at("tok_s")}});
  }
  return steps;
}

}  // namespace

std::vector<ServingJob> serving_jobs(const Grid& grid, const std::string& program) {
  std::vector<ServingJob> jobs;
  if (grid.batches.empty()) return jobs;
  for (const Variant& variant : grid.variants) {
    if (variant.name != "ne-r12" && variant.name != "moe-r12") continue;
    for (const std::uint64_t seed : variant.seeds) {
      ServingJob job{variant.name, seed,
                     recipe::trained_config_json(typed(variant.recipe, variant.name).model), grid.batches,
                     ""};
      job.key = "serving-" +
                corpus::to_hex(corpus::hash_of(fmt::format("{}\n{}\n{}\n{}", to_text(job.config),
                                                           fmt::join(grid.batches, ","), seed, program)));
      jobs.push_back(std::move(job));
    }
  }
  return jobs;
}

Json measure_serving(const ServingJob& job, const ServingPlace& place, const std::stop_token& stop) {
  const fs::path folder = place.work / job.key;
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_file(folder / "config.json", to_text(job.config, 1));
  const std::string model = (folder / "model").string(), seed = std::to_string(job.seed);
  run_to_end(place,
             {Program::nestor,
              {"new", "--preset", (folder / "config.json").string(), "--seed", seed, model},
              folder / "new.out",
              folder / "new.log"},
             stop);
  run_to_end(
      place,
      {Program::nestor,
       {"bench", model, "--threads", "1", "--prompt", "16", "--rounds", "1", "--tokens", "16", "--depths",
        "0", "--sequences", fmt::format("{}", fmt::join(job.batches, ",")), "--seed", seed},
       folder / "bench.out",
       folder / "bench.log"},
      stop);
  Json result = {{"name", job.name},
                 {"seed", job.seed},
                 {"experts", job.config.at("n_routed_experts")},
                 {"steps", steps_of(last_object(folder / "bench.out"), job.config)}};
  fs::remove_all(folder);
  return result;
}

ServingResult serving_from(const Json& json, const std::string& what) {
  ServingResult r;
  try {
    r.name = json.at("name").get<std::string>();
    r.seed = json.at("seed").get<std::uint64_t>();
    r.experts = json.at("experts").get<std::int64_t>();
    for (const Json& step : json.at("steps"))
      r.steps.push_back({step.at("sequences").get<std::int64_t>(), step.at("touched").get<double>(),
                         step.at("tokens_per_second").get<double>()});
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_input, "{}: is no measurement of a batch: {}", what, error.what());
  }
  return r;
}

}  // namespace nestor::study
