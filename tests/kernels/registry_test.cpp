#include "kernels/registry.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/ops.h"
#include "support/refusal.h"

namespace nestor::kernels {
namespace {

TEST(Registry, AutoIsTheFastestThatRunsAndReferenceAlwaysRuns) {
  CpuInfo old;
  EXPECT_EQ(select_set("auto", old).name, std::string("reference"));
  CpuInfo haswell;
  haswell.avx2 = true;
  EXPECT_EQ(select_set("auto", haswell).name, std::string("avx2"));
  EXPECT_EQ(select_set("reference", haswell).name, std::string("reference"));
  EXPECT_EQ(runnable_sets(haswell), (std::vector<std::string_view>{"avx2", "reference"}));
}

TEST(Registry, RefusesUnknownNamesAndWhatTheProcessorLacks) {
  CpuInfo haswell;
  haswell.avx2 = true;
  EXPECT_THROW(select_set("avx512", haswell), Error);
  EXPECT_THROW(select_set("", haswell), Error);
  EXPECT_REFUSED(select_set("sse9", haswell), ErrorKind::usage,
                 "avx512_amx, avx512_vnni, avx512, avx2_vnni, avx2, reference, avx512_amx_bf16, avx512_bf16");
}

TEST(Registry, RoundingIsChosenByNameOrByActivationsOnly) {
  CpuInfo zen4;
  zen4.avx2 = zen4.avx512 = zen4.avx512_vnni = zen4.avx512_bf16 = true;
  EXPECT_EQ(select_set("auto", zen4).name, std::string("avx512_vnni"));
  EXPECT_EQ(select_set("auto", zen4, Activations::bf16).name, std::string("avx512_bf16"));
  EXPECT_EQ(select_set("avx512_bf16", zen4).name, std::string("avx512_bf16"));
  EXPECT_EQ(runnable_sets(zen4),
            (std::vector<std::string_view>{"avx512_vnni", "avx512", "avx2", "reference"}));
  EXPECT_EQ(runnable_sets(zen4, Activations::bf16), std::vector<std::string_view>{"avx512_bf16"});
  EXPECT_REFUSED(select_set("avx2", zen4, Activations::bf16), ErrorKind::usage,
                 "the kernel set avx2 does not round activations to bf16; avx512_bf16 does");
  CpuInfo haswell;
  haswell.avx2 = true;
  haswell.name = "Old one";
  EXPECT_REFUSED(select_set("auto", haswell, Activations::bf16), ErrorKind::usage,
                 "AVX512_BF16, which this processor (Old one) lacks");
  EXPECT_REFUSED(select_set("avx512_bf16", haswell), ErrorKind::usage, "it runs: avx2, reference");
}

}  // namespace
}  // namespace nestor::kernels
