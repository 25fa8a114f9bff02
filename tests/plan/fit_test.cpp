// Bytes and times of models that do not exist, on machines that are made up: by hand and by other ways.
#include "plan/fit.h"

#include <gtest/gtest.h>

#include "config/footprint.h"
#include "config/parse_config.h"
#include "convert/presets.h"
#include "support/refusal.h"

namespace nestor::plan {
namespace {

config::ModelConfig preset(const char* name) { return config::parse_config(convert::preset(name), name); }

constexpr std::uint64_t kGiga = 1'000'000'000;

// Products take a nanosecond for a thousand bytes of matrices, whatever the rows.
Machine made_up(std::uint64_t memory) {
  Machine machine;
  machine.memory = {memory, memory};
  machine.product_rate = [](const measure::ProductCase& what) {
    const double seconds = static_cast<double>(measure::matrix_bytes(what)) / 1e12;
    return static_cast<double>(what.outputs * what.inputs * what.rows) / seconds;
  };
  machine.fp32_rate = 1e9;
  machine.memory_read = 1e10;
  return machine;
}

// By hand from the sizes of the published config.json, layer by layer.
TEST(PlanFit, OfLiteHasItsNumbersToTheLastDigit) {
  const config::ModelConfig lite = preset("lite");
  const config::Footprint f = config::footprint_of(lite, planned_layout(lite));
  EXPECT_EQ(f.total, 68'562'465'024);
  EXPECT_EQ(f.ngram, 31'416'422'400);
  EXPECT_EQ(f.activated_min, 2'920'341'504);
  EXPECT_EQ(f.activated_max, 4'505'788'416);
  EXPECT_EQ(f.of(config::Part::draft), 510'870'528);
  const Fit fit = plan_memory_fit(lite, {.cache = model::CacheFormat::bf16}, {1, 1});
  EXPECT_EQ(fit.memory.cache_per_token, 32'256u);
  // All but the word and n-gram tables, two bytes each; routers are float32.
  const std::uint64_t tables = 402'653'184 + 31'406'985'216, routers = 14 * (384 * 3072 + 384);
  EXPECT_EQ(fit.tables(), 2 * tables);
  EXPECT_EQ(fit.memory.weights, 2 * (68'562'465'024 - tables) + 2 * routers);
}

TEST(PlanFit, BytesFollowTheFormats) {
  const config::ModelConfig lite = preset("lite");
  const auto of = [&](const char* format) {
    return plan_memory_fit(lite, {.formats = {.weights = format, .tables = format}}, {1, 1});
  };
  EXPECT_GT(of("bf16").memory.weights, 1.8 * static_cast<double>(of("q8").memory.weights));
  EXPECT_GT(of("q8").memory.weights, 1.7 * static_cast<double>(of("q4").memory.weights));
  EXPECT_GT(of("q8").tables(), 1.7 * static_cast<double>(of("q4").tables()));
  EXPECT_REFUSED(of("q9"), ErrorKind::usage, "q9");
  EXPECT_REFUSED(plan_memory_fit(lite, {.formats = {.keep = {"nothing=q8"}}}, {1, 1}), ErrorKind::usage,
                 "nothing");
}

TEST(PlanFit, SaysWhatFitsAndWhatWould) {
  const config::ModelConfig lite = preset("lite");
  const SystemMemory memory = {30 * kGiga, 30 * kGiga};
  FitRequest request = {.cache = model::CacheFormat::q8};
  const Fit whole = plan_memory_fit(lite, request, memory);
  EXPECT_FALSE(whole.fits());
  EXPECT_EQ(whole.context_that_fits(), 0);
  EXPECT_EQ(formats_that_fit(lite, request, memory), (std::vector<std::string>{"q4"}));
  request.formats = {.weights = "q4", .tables = "q4"};
  const Fit quantized = plan_memory_fit(lite, request, memory);
  EXPECT_TRUE(quantized.fits());
  EXPECT_GT(quantized.context_that_fits(), request.context);
  EXPECT_LT(quantized.cached_rows, 1);  // the tables stay on disk for the most part
  request.context = quantized.context_that_fits() + 1;
  EXPECT_FALSE(plan_memory_fit(lite, request, memory).fits());
  --request.context;
  EXPECT_TRUE(plan_memory_fit(lite, request, memory).fits());
  EXPECT_TRUE(formats_that_fit(lite, request, {kGiga, kGiga}).empty());
}

TEST(PlanFit, DecodingReadsTheMatricesOfAToken) {
  const config::ModelConfig lite = preset("lite");
  const Fit fit = plan_fit(lite, {.prompt = 512}, made_up(200 * kGiga));
  // The mean token has 8 of 12 picks on experts with weights: 3.98 billion parameters, and the projections.
  const double activated = 2'920'341'504.0 + 14.0 * 8 * 9'437'184;
  const double routers = 14.0 * 384 * 3072, projections = 12.0 * 256 * 3072;
  EXPECT_NEAR(static_cast<double>(fit.decode.matrix_bytes), 2 * (activated + projections + routers), 1e6);
  EXPECT_NEAR(fit.decode.products_s, static_cast<double>(fit.decode.matrix_bytes) / 1e12, 1e-9);
  // One position: 2 latent records and a rotary part for each of 32 heads in 28 attentions.
  EXPECT_NEAR(fit.decode.attention_s, 28.0 * 32 * (2 * 512 + 64) / 1e9, 1e-12);
  // 512 tokens pick nearly every expert: 1 - (1 - 12 / 384)^512.
  EXPECT_GT(fit.prefill.matrix_bytes, 0.98 * static_cast<double>(fit.memory.weights));
  EXPECT_LT(fit.prefill.matrix_bytes, fit.memory.weights + fit.memory.draft);
}

TEST(PlanFit, DepthCostsAttentionAndItsCache) {
  const config::ModelConfig tiny = preset("tiny");
  const Machine machine = made_up(kGiga);
  const Fit shallow = plan_fit(tiny, {.context = 100, .prompt = 8}, machine);
  const Fit deep = plan_fit(tiny, {.context = 100, .depth = 1000, .prompt = 8}, machine);
  const double cache = 1000.0 * static_cast<double>(deep.memory.cache_per_token) / 1e10;
  EXPECT_NEAR(deep.decode.attention_s, 1001 * shallow.decode.attention_s + cache, 1e-9);
  EXPECT_EQ(deep.decode.products_s, shallow.decode.products_s);
}

TEST(PlanFit, RowsThatMemoryLacksWaitForTheDisk) {
  const config::ModelConfig lite = preset("lite");
  FitRequest request = {.formats = {.weights = "q4", .tables = "q4"}};
  Machine machine = made_up(30 * kGiga);
  EXPECT_EQ(plan_fit(lite, request, machine).decode.rows_s, 0);  // not measured
  machine.disk_reads = 10'000;
  const Fit fit = plan_fit(lite, request, machine);
  EXPECT_NEAR(fit.decode.rows_s, 12 * (1 - fit.cached_rows) / 10'000, 1e-12);
  EXPECT_NEAR(fit.prefill.rows_s, 512 * fit.decode.rows_s, 1e-9);
  machine.memory = {500 * kGiga, 500 * kGiga};
  EXPECT_EQ(plan_fit(lite, request, machine).decode.rows_s, 0);
}

}  // namespace
}  // namespace nestor::plan
