#include "decode/sampling.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/refusal.h"

namespace nestor::decode {
namespace {

constexpr std::int64_t V = 10;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Sampling, DefaultsAndTheEdgesOfTheRangesAreValid) {
  validate(SamplingParams{}, V);
  validate({.temperature = 0, .top_k = -1, .top_p = 1e-9, .min_p = 1, .repetition_penalty = 1e-3}, V);
  validate(
      {.temperature = 1e6, .top_k = 1'000'000, .top_p = 1, .presence_penalty = -2, .frequency_penalty = 2},
      V);
  validate({.logit_bias = {{0, -100.0F}, {9, 100.0F}}, .top_logprobs = 10}, V);
}

TEST(Sampling, EveryParameterOutOfRangeIsNamed) {
  for (const double bad : {-0.1, kNan, kInfinity}) {
    EXPECT_REFUSED(validate({.temperature = bad}, V), ErrorKind::usage, "temperature");
  }
  EXPECT_REFUSED(validate({.top_k = -2}, V), ErrorKind::usage, "top_k");
  for (const double bad : {0.0, -0.5, 1.01, kNan}) {
    EXPECT_REFUSED(validate({.top_p = bad}, V), ErrorKind::usage, "top_p");
  }
  for (const double bad : {-0.01, 1.01, kNan}) {
    EXPECT_REFUSED(validate({.min_p = bad}, V), ErrorKind::usage, "min_p");
  }
  for (const double bad : {0.0, -1.0, kNan, kInfinity}) {
    EXPECT_REFUSED(validate({.repetition_penalty = bad}, V), ErrorKind::usage, "repetition_penalty");
  }
  for (const double bad : {-2.01, 2.01, kNan}) {
    EXPECT_REFUSED(validate({.presence_penalty = bad}, V), ErrorKind::usage, "presence_penalty");
    EXPECT_REFUSED(validate({.frequency_penalty = bad}, V), ErrorKind::usage, "frequency_penalty");
  }
  for (const float bad : {-100.5F, 100.5F, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_REFUSED(validate({.logit_bias = {{3, bad}}}, V), ErrorKind::usage, "logit_bias");
  }
  for (const TokenId bad : {-1, 10}) {
    EXPECT_REFUSED(validate({.logit_bias = {{bad, 1.0F}}}, V), ErrorKind::usage, "0 to 9");
  }
  for (const std::int64_t bad : {-1, 11}) {
    EXPECT_REFUSED(validate({.top_logprobs = bad}, V), ErrorKind::usage, "top_logprobs");
  }
}

TEST(Sampling, AMessageSaysWhatWasExpectedAndFound) {
  EXPECT_REFUSED(validate({.top_p = 1.5}, V), ErrorKind::usage,
                 "top_p must be above 0 and at most 1, found 1.5");
}

}  // namespace
}  // namespace nestor::decode
