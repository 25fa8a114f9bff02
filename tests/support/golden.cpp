#include "support/golden.h"

#include <algorithm>
#include <cmath>

#include "checkpoint/checkpoint.h"
#include "config/parse_config.h"
#include "kernels/registry.h"
#include "lm/sequence.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

constexpr std::uint64_t kMostBytes = 64U << 20;

Continuation continuation(const Json& json) {
  return {json.at("prompt").get<std::vector<TokenId>>(), json.at("tokens").get<std::vector<TokenId>>()};
}

}  // namespace

std::vector<std::string> golden_names() {
  return {"lite_small",       "n3k2",         "plain_flash",       "fp8",
          "fp32_names",       "eos_list",     "variant_norm",      "variant_ple",
          "variant_ple_norm", "variant_plne", "variant_plne_norm", "variant_plne_only"};
}

std::filesystem::path golden_folder(const std::string& name) { return test_data_folder() / "golden" / name; }

std::vector<GoldenCase> golden_cases(const std::string& name) {
  const auto folder = golden_folder(name) / "expected";
  std::vector<GoldenCase> cases;
  for (const Json& json : read_json(folder / "cases.json", kMostBytes)) {
    GoldenCase c;
    c.name = json.at("name").get<std::string>();
    c.ids = json.at("ids").get<std::vector<TokenId>>();
    c.ngram_ids = json.at("ngram_ids");
    c.logits = read_npy(folder / json.at("logits").get<std::string>());
    c.greedy = continuation(json.at("greedy"));
    c.greedy_past_eos = continuation(json.at("greedy_past_eos"));
    cases.push_back(std::move(c));
  }
  return cases;
}

std::unique_ptr<model::Model> open_model(const std::filesystem::path& folder, std::string_view kernels,
                                         int threads, model::CacheFormat cache, model::DraftBlock draft) {
  model::ModelOptions options;
  options.ops = &kernels::select_set(kernels, cpu_info());
  options.threads = threads;
  options.cache_format = cache;
  options.draft = draft;
  return model::open_model(config::read_config(folder / "config.json"),
                           std::make_shared<const checkpoint::Checkpoint>(folder), options);
}

std::vector<float> all_logits(model::Model& model, const std::vector<TokenId>& ids, std::size_t chunk) {
  const lm::Sequence sequence(model);
  std::vector<float> logits;
  for (std::size_t at = 0; at < ids.size(); at += chunk) {
    const std::span<const TokenId> part = std::span(ids).subspan(at, std::min(chunk, ids.size() - at));
    const std::vector<lm::Chunk> batch = {{sequence.id(), part, std::ssize(part)}};
    const lm::Logits out = model.forward(batch);
    for (std::int64_t i = 0; i < out.rows(); ++i)
      logits.insert(logits.end(), out.row(i).begin(), out.row(i).end());
  }
  return logits;
}

double relative_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(b[i])));
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    difference = std::isnan(d) ? INFINITY : std::max(difference, d);
  }
  return difference / largest;
}

}  // namespace nestor::testing
