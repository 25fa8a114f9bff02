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
                 "avx512_amx, avx512_vnni, avx512, avx2_vnni, avx2, reference, avx512_amx_bf16");
}

}  // namespace
}  // namespace nestor::kernels
