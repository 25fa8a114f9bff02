#include "convert/format_policy.h"

#include <gtest/gtest.h>

#include <map>

#include "config/parse_config.h"
#include "support/golden.h"
#include "support/refusal.h"

namespace nestor::convert {
namespace {

config::ModelConfig config_of(const std::string& golden) {
  return config::read_config(testing::golden_folder(golden) / "config.json");
}

// Names to formats, for tensors that formats apply to.
std::map<std::string, std::string> formats(const FormatRequest& request,
                                           const std::string& golden = "lite_small") {
  const FormatPolicy policy(request);
  std::map<std::string, std::string> found;
  config::for_each_tensor(config_of(golden), {.draft = config::NameLayout::Draft::present},
                          [&](const config::TensorInfo& t) {
                            if (!FormatPolicy::applies_to(t)) return;
                            const auto encoding = policy.encoding_of(t);
                            found[t.name] = encoding ? quant::suffix_of(*encoding) : "";
                          });
  return found;
}

TEST(FormatPolicy, FourBitsKeepWhatIsSensitiveAtEight) {
  const auto f = formats({.weights = "q4", .tables = "q3"});
  EXPECT_EQ(f.at("model.layers.0.self_attn.1.q_a_proj.weight"), "_q8");
  EXPECT_EQ(f.at("model.layers.0.self_attn.0.kv_a_proj_with_mqa.weight"), "_q8");
  EXPECT_EQ(f.at("model.layers.0.self_attn.0.kv_b_proj.weight"), "_q8");
  EXPECT_EQ(f.at("lm_head.weight"), "_q8");
  EXPECT_EQ(f.at("model.ngram_embeddings.post_projs.0.weight"), "_q8");
  EXPECT_EQ(f.at("model.layers.0.mlp.experts.0.up_proj.weight"), "_q4");
  EXPECT_EQ(f.at("model.layers.0.self_attn.0.o_proj.weight"), "_q4");
  EXPECT_EQ(f.at("model.mtp.layers.0.eh_proj.weight"), "_q4");
  EXPECT_EQ(f.at("model.embed_tokens.weight"), "_rows_q3");
  EXPECT_EQ(f.at("model.ngram_embeddings.embedders.5.weight"), "_rows_q3");
  for (const auto& [name, format] : f) {
    EXPECT_EQ(name.find("router"), std::string::npos) << name;
    EXPECT_EQ(name.find("norm"), std::string::npos) << name;
  }
}

TEST(FormatPolicy, TheFirstPatternThatFitsCounts) {
  const auto f =
      formats({.weights = "q8",
               .tables = "q4",
               .keep = {"lm_head.weight=bf16", "*embedders.0*=q2", "*embedders*=bf16", "*layers.1.*=q4"}});
  EXPECT_EQ(f.at("lm_head.weight"), "");
  EXPECT_EQ(f.at("model.ngram_embeddings.embedders.0.weight"), "_rows_q2");
  EXPECT_EQ(f.at("model.ngram_embeddings.embedders.1.weight"), "");
  EXPECT_EQ(f.at("model.embed_tokens.weight"), "_rows_q4");
  EXPECT_EQ(f.at("model.layers.1.self_attn.0.q_a_proj.weight"), "_q4");
  EXPECT_EQ(f.at("model.layers.0.self_attn.0.q_a_proj.weight"), "_q8");
}

TEST(FormatPolicy, WhatMakesNoSenseIsRefused) {
  EXPECT_REFUSED(FormatPolicy({.weights = "q3"}), ErrorKind::usage, "q3");
  EXPECT_REFUSED(FormatPolicy({.tables = "q7"}), ErrorKind::usage, "q7");
  for (const std::string bad : {"lm_head", "=q4", "lm_head="}) {
    EXPECT_REFUSED(FormatPolicy({.keep = {bad}}), ErrorKind::usage, "PATTERN=FORMAT");
  }
  EXPECT_REFUSED(formats({.keep = {"*q_a_proj*=q3"}}), ErrorKind::usage, "q_a_proj");  // no table
  const FormatPolicy policy({.keep = {"*layers.0*=q4", "*norm*=q8"}});
  EXPECT_REFUSED(policy.check_patterns(config_of("lite_small"), {}), ErrorKind::usage, "*norm*");
}

}  // namespace
}  // namespace nestor::convert
