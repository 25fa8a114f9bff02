#include "study/job.h"

#include "base/error.h"
#include "corpus/text_hash.h"

namespace nestor::study {
namespace {

std::string key_of(const Json& recipe, const Context& context) {
  Json same = recipe;
  same.erase("name");  // for people
  return corpus::to_hex(corpus::hash_of(to_text(same) + "\n" + context.corpus + "\n" + context.program));
}

Json pairs(const std::vector<JobResult::Loss>& losses) {
  Json list = Json::array();
  for (const auto& [step, loss] : losses) list.push_back({step, loss});
  return list;
}

std::vector<JobResult::Loss> losses_from(const Json& list) {
  std::vector<JobResult::Loss> losses;
  for (const Json& pair : list) losses.push_back({pair.at(0).get<double>(), pair.at(1).get<double>()});
  return losses;
}

}  // namespace

std::vector<Job> jobs_of(const Grid& grid, const Context& context) {
  std::vector<std::uint64_t> seeds;
  for (const Variant& variant : grid.variants) {
    for (const std::uint64_t seed : variant.seeds) {
      if (std::ranges::find(seeds, seed) == seeds.end()) seeds.push_back(seed);
    }
  }
  std::vector<Job> jobs;
  for (const std::uint64_t seed : seeds) {
    for (const Variant& variant : grid.variants) {
      if (std::ranges::find(variant.seeds, seed) == variant.seeds.end()) continue;
      Job job{variant.name, seed, variant.recipe, ""};
      job.recipe["seed"] = seed;
      job.key = key_of(job.recipe, context);
      jobs.push_back(std::move(job));
    }
  }
  return jobs;
}

std::vector<Job> share_of(const std::vector<Job>& jobs, std::int64_t part, std::int64_t parts) {
  if (parts < 1 || part < 1 || part > parts)
    fail(ErrorKind::usage, "--job {}/{}: expected I/N with I from 1 to N", part, parts);
  std::vector<Job> share;
  for (std::int64_t i = part - 1; i < std::ssize(jobs); i += parts)
    share.push_back(jobs[static_cast<std::size_t>(i)]);
  return share;
}

Json to_json(const JobResult& r) {
  Json norms = Json::array();
  for (const auto& [name, branch, stream] : r.norms)
    norms.push_back({{"name", name}, {"branch", branch}, {"stream", stream}});
  return {{"name", r.name},
          {"seed", r.seed},
          {"parameters", {{"total", r.total}, {"activated", r.activated}, {"ngram", r.ngram}}},
          {"steps", r.steps},
          {"tokens_per_step", r.tokens_per_step},
          {"stable_steps", r.stable_steps},
          {"loss", pairs(r.losses)},
          {"heldout", pairs(r.heldout)},
          {"bits_per_byte", r.bits_per_byte},
          {"expert_load", r.load},
          {"norms", norms},
          {"cloze", {{"right", r.right}, {"questions", r.questions}}},
          {"seconds_per_step", r.seconds_per_step},
          {"cpu_seconds", r.cpu_seconds},
          {"machine", r.machine}};
}

JobResult result_from(const Json& json, const std::string& what) {
  JobResult r;
  try {
    r.name = json.at("name").get<std::string>();
    r.seed = json.at("seed").get<std::uint64_t>();
    const Json& parameters = json.at("parameters");
    r.total = parameters.at("total").get<std::int64_t>();
    r.activated = parameters.at("activated").get<std::int64_t>();
    r.ngram = parameters.at("ngram").get<std::int64_t>();
    r.steps = json.at("steps").get<std::int64_t>();
    r.tokens_per_step = json.at("tokens_per_step").get<std::int64_t>();
    r.stable_steps = json.at("stable_steps").get<double>();
    r.losses = losses_from(json.at("loss"));
    r.heldout = losses_from(json.at("heldout"));
    r.bits_per_byte = json.at("bits_per_byte").get<double>();
    r.load = json.at("expert_load").get<double>();
    for (const Json& norm : json.at("norms"))
      r.norms.push_back({norm.at("name").get<std::string>(), norm.at("branch").get<double>(),
                         norm.at("stream").get<double>()});
    r.right = json.at("cloze").at("right").get<std::int64_t>();
    r.questions = json.at("cloze").at("questions").get<std::int64_t>();
    r.seconds_per_step = json.at("seconds_per_step").get<double>();
    r.cpu_seconds = json.at("cpu_seconds").get<double>();
    r.machine = json.at("machine").get<std::string>();
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_input, "{}: is no result of a job: {}", what, error.what());
  }
  return r;
}

}  // namespace nestor::study
