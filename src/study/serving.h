// How many experts a batch touches and how fast it is decoded, by `nestor bench` on random weights of a shape
// (study, findings of Figs. 8a and 8b).
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "study/grid.h"
#include "study/process.h"

namespace nestor::study {

struct ServingResult {
  std::string name;  // of the run whose shape this is
  std::uint64_t seed = 0;
  std::int64_t experts = 0;  // of a layer
  struct Step {
    std::int64_t sequences = 0;
    double touched = 0;  // experts of a layer, mean over layers
    double tokens_per_second = 0;
  };
  std::vector<Step> steps;
};

struct ServingJob {
  std::string name;
  std::uint64_t seed = 0;
  Json config;  // config.json
  std::vector<std::int64_t> batches;
  std::string key;
};

/// The shapes of ne-r12 and moe-r12, where the grid has them, with each of three seeds.
std::vector<ServingJob> serving_jobs(const Grid& grid, const std::string& program);

struct ServingPlace {
  const StartProcess& start;
  std::filesystem::path work;
};

/// Writes the weights, measures, removes them. Error(bad_input) if a program fails; cancelled.
Json measure_serving(const ServingJob& job, const ServingPlace& place, const std::stop_token& stop);

ServingResult serving_from(const Json& json, const std::string& what);

}  // namespace nestor::study
