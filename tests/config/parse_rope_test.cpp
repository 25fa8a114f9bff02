// rope_scaling and rope_parameters: spellings, refusals, contradictions.
#include <gtest/gtest.h>

#include "config/sample.h"

namespace nestor::config {
namespace {

constexpr ErrorKind kBad = ErrorKind::bad_input;
constexpr ErrorKind kUnsupported = ErrorKind::unsupported;

Json yarn() { return sample()["rope_scaling"]; }

ModelConfig scaled(const Json& scaling) { return parse(with("rope_scaling", scaling)); }

TEST(ParseRope, YarnHasTwoNamesAndItsKeyTwoSpellings) {
  const Json unnamed = without("rope_type", yarn());
  for (const char* key : {"rope_type", "type"}) {
    for (const char* name : {"yarn", "deepseek_yarn"}) EXPECT_TRUE(scaled(with(key, name, unnamed)).yarn);
  }
  EXPECT_TRUE(scaled(with("type", "yarn", with("rope_type", "yarn", unnamed))).yarn);
  EXPECT_REFUSED(scaled(with("type", "default", yarn())), kBad, "contradict");
}

TEST(ParseRope, NoScalingIsSaidInManyWays) {
  EXPECT_FALSE(scaled(nullptr).yarn);
  EXPECT_FALSE(parse(without("rope_scaling")).yarn);
  EXPECT_FALSE(scaled({{"rope_type", "default"}}).yarn);
  EXPECT_FALSE(scaled({{"type", "default"}}).yarn);
}

TEST(ParseRope, OtherKindsAreRefusedByName) {
  for (const char* name : {"linear", "dynamic", "longrope", "llama3", "su", "mrope", "YARN", ""}) {
    EXPECT_REFUSED(scaled({{"rope_type", name}, {"factor", 2.0}}), kUnsupported,
                   fmt::format("rope_type \"{}\"", name));
  }
  EXPECT_REFUSED(scaled({{"rope_type", 3}}), kBad, "must be a string");
  EXPECT_REFUSED(scaled("yarn"), kBad, "must be an object");
  EXPECT_REFUSED(scaled(with("short_factor", Json::array({1.0}), yarn())), kUnsupported, "short_factor");
  EXPECT_REFUSED(scaled(with("truncate", false, yarn())), kUnsupported, "truncate");
}

TEST(ParseRope, WhatIsAbsentStaysAbsent) {
  Json json = yarn();
  for (const char* key : {"mscale", "mscale_all_dim", "attention_factor", "beta_fast", "beta_slow"}) {
    json.erase(key);
  }
  const YarnSpec y = *scaled(json).yarn;
  EXPECT_FALSE(y.mscale || y.mscale_all_dim || y.attention_factor);
  EXPECT_EQ(y.beta_fast, 32);
  EXPECT_EQ(y.beta_slow, 1);
  for (const char* key : {"factor", "original_max_position_embeddings"}) {
    EXPECT_REFUSED(scaled(without(key, yarn())), kBad, std::string("missing key: ") + key);
  }
}

TEST(ParseRope, NumbersThatBreakTheFormulaAreRefused) {
  for (const char* key : {"factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "attention_factor",
                          "original_max_position_embeddings"}) {
    for (const Json& value : {Json(-1), Json(1e300), Json("1"), Json(true)}) {
      EXPECT_REFUSED(scaled(with(key, value, yarn())), kBad, key);
    }
  }
  for (const char* key : {"factor", "beta_fast", "beta_slow", "original_max_position_embeddings"}) {
    EXPECT_REFUSED(scaled(with(key, 0, yarn())), kBad, key);
  }
}

TEST(ParseRope, RopeParametersHoldBoth) {
  const Json base = without("rope_scaling", without("rope_theta"));
  const Json inner = with("rope_theta", 5e6, yarn());
  const ModelConfig c = parse(with("rope_parameters", inner, base));
  EXPECT_EQ(c.rope_theta, 5e6);
  EXPECT_TRUE(c.yarn);
  const Json both = with("rope_parameters", inner, base);
  EXPECT_EQ(parse(with("rope_theta", 5e6, both)).rope_theta, 5e6);
  EXPECT_REFUSED(parse(with("rope_theta", 1e4, both)), kBad, "contradict");
  EXPECT_EQ(parse(with("rope_theta", 1e4, with("rope_parameters", yarn(), base))).rope_theta, 1e4);
  EXPECT_REFUSED(parse(with("rope_parameters", yarn(), base)), kBad, "missing key: rope_theta");
}

TEST(ParseRope, BothObjectsMustSayTheSame) {
  const Json inner = with("rope_theta", sample()["rope_theta"], yarn());
  EXPECT_TRUE(parse(with("rope_parameters", inner)).yarn);
  EXPECT_REFUSED(parse(with("rope_parameters", with("factor", 3.5, inner))), kBad, "contradict");
  EXPECT_REFUSED(parse(with("rope_parameters", {{"rope_type", "default"}})), kBad, "contradict");
  EXPECT_EQ(parse(with("rope_scaling", with("rope_theta", 7e5, yarn()), without("rope_theta"))).rope_theta,
            7e5);
}

TEST(ParseRope, KeysOfNoScalingThatSayNothing) {
  const Json none = {
      {"rope_type", "default"}, {"factor", 1.0}, {"partial_rotary_factor", 1.0}, {"beta_fast", nullptr}};
  EXPECT_FALSE(scaled(none).yarn);
  EXPECT_REFUSED(scaled(with("factor", 2.0, none)), kUnsupported, "factor");
  EXPECT_REFUSED(scaled(with("partial_rotary_factor", 0.5, none)), kUnsupported, "partial_rotary_factor");
}

}  // namespace
}  // namespace nestor::config
