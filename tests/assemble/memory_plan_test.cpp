// The plan of memory: it adds up to what is stored, holds for what a forward pass takes, and refuses what
// does not fit.
#include "assemble/memory_plan.h"

#include <gtest/gtest.h>

#include "assemble/open.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/refusal.h"

namespace nestor::assemble {
namespace {

constexpr SystemMemory kPlenty{std::uint64_t{64} << 30, std::uint64_t{32} << 30};

MemoryPlan plan_of(const std::string& name, const SystemMemory& system = kPlenty) {
  const auto folder = testing::golden_folder(name);
  return plan_memory(open(folder).config(), checkpoint::Checkpoint(folder), model::CacheFormat::f32, system);
}

class GoldenPlan : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenPlan, CountsEveryStoredByte) {
  const MemoryPlan plan = plan_of(GetParam());
  std::uint64_t stored = 0;
  const checkpoint::Checkpoint files(testing::golden_folder(GetParam()));
  for (const auto& [name, tensor] : files.tensors()) stored += tensor.entry->bytes;
  EXPECT_EQ(plan.weights + plan.word_rows + plan.ngram_rows + plan.draft, stored);
}

TEST_P(GoldenPlan, HoldsForAForwardPass) {
  const auto folder = testing::golden_folder(GetParam());
  constexpr int kThreads = 2;
  auto opened = open(folder, {.threads = kThreads});
  const MemoryPlan& plan = opened.memory_plan();
  const auto model = opened.take_model();
  const auto count = std::min<std::int64_t>(MemoryPlan::working_rows, model->info().context_limit);
  const lm::Sequence sequence(*model);
  const std::vector<TokenId> ids(static_cast<std::size_t>(count), 5);
  const std::vector<lm::Chunk> batch = {{sequence.id(), ids}};
  model->forward(batch);
  // The first block and its double are taken however small the model is, for all and for each worker.
  constexpr std::uint64_t kLeast = (1 + kThreads) * 3 * (std::uint64_t{1} << 18);
  EXPECT_LE(model->working_bytes(), plan.working * 3 / 2 + kLeast);  // the plan means twice what is in use
  if (count == MemoryPlan::working_rows) {
    EXPECT_GE(4 * model->working_bytes(), plan.working);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenPlan,
                         ::testing::Values("lite_small", "n3k2", "fp8", "variant_plne", "plain_flash"));

TEST(MemoryPlan, ReadsWhatTheSystemHas) {
  const SystemMemory memory = system_memory();
  EXPECT_GT(memory.available, std::uint64_t{1} << 20);
  EXPECT_GE(memory.total, memory.available);
}

TEST(MemoryPlan, WeightsBeyondTheMachineAreRefusedWithWhatFits) {
  MemoryPlan plan;
  plan.weights = 40'000'000'000;
  plan.weights_q8 = 21'250'000'000;
  plan.weights_q4 = 11'250'000'000;
  plan.working = 300'000'000;
  plan.cache_per_token = 1000;
  plan.system = {16'000'000'000, 15'000'000'000};
  EXPECT_REFUSED(check_memory(plan, 0, Oversize::refused), ErrorKind::limit,
                 "nestor convert with --weights q4 (about 11.25 GB) makes it fit");
  check_memory(plan, 0, Oversize::accepted);
  plan.system.total = 8'000'000'000;
  EXPECT_REFUSED(check_memory(plan, 0, Oversize::refused), ErrorKind::limit, "no format");
  // What fits the machine but not beside other programs is slow and no error.
  plan.system = {64'000'000'000, 15'000'000'000};
  check_memory(plan, 0, Oversize::refused);
}

TEST(MemoryPlan, AContextThatWasAskedForFitsOrIsRefused) {
  MemoryPlan plan;
  plan.weights = 1'000'000'000;
  plan.working = 100'000'000;
  plan.cache_per_token = 1'000'000;
  plan.system = {16'000'000'000, 3'100'000'000};
  EXPECT_EQ(plan.most_tokens(), 2000);
  check_memory(plan, 2000, Oversize::refused);
  check_memory(plan, 0, Oversize::refused);
  EXPECT_REFUSED(check_memory(plan, 2001, Oversize::refused), ErrorKind::limit, "2000 tokens fit");
  plan.system.available = 50'000'000;
  EXPECT_REFUSED(check_memory(plan, 0, Oversize::refused), ErrorKind::limit, "working memory");
}

TEST(MemoryPlan, TheCacheGetsWhatIsLeft) {
  MemoryPlan plan;
  plan.weights = 1000;
  plan.working = 100;
  plan.cache_per_token = 7;
  plan.system.available = 1800;
  EXPECT_EQ(plan.cache_room(), 700U);
  EXPECT_EQ(plan.most_tokens(), 100);
  // Weights that do not fit anyway leave no less than their absence would.
  plan.system.available = 1100;
  EXPECT_EQ(plan.cache_room(), 1000U);
  plan.system.available = 100;
  EXPECT_EQ(plan.cache_room(), 0U);
  plan.system.available = 99;
  EXPECT_EQ(plan.cache_room(), 0U);
  EXPECT_EQ(plan.most_tokens(), 0);
}

TEST(MemoryPlan, LargerThanMemoryStillNeedsWorkingMemoryAndRoomForItsContext) {
  MemoryPlan plan;
  plan.weights = 1'000'000;
  plan.working = 1'000;
  plan.cache_per_token = 10;
  plan.system = {100'000, 50'000};
  check_memory(plan, 4'900, Oversize::accepted);
  EXPECT_REFUSED(check_memory(plan, 4'901, Oversize::accepted), ErrorKind::limit, "4900 tokens fit");
  plan.system.available = 999;
  EXPECT_REFUSED(check_memory(plan, 0, Oversize::accepted), ErrorKind::limit, "end other programs");
}

TEST(MemoryPlan, ItsTableHasALineForWhatIsThere) {
  MemoryPlan plan;
  plan.weights = 5'000'000;
  plan.working = 2'000'000;
  plan.cache_per_token = 1'000;
  plan.system = {16'000'000, 8'000'000};
  const std::string fits = memory_table(plan);
  EXPECT_NE(fits.find("grows as it is used; 1000 tokens fit"), std::string::npos) << fits;
  for (const char* absent : {"rows of words", "rows of n-grams", "draft block", "again and again"}) {
    EXPECT_EQ(fits.find(absent), std::string::npos) << fits;
  }
  EXPECT_NE(fits.back(), '\n');
  plan.word_rows = plan.ngram_rows = plan.draft = 1;
  plan.system.available = 6'000'000;
  const std::string tight = memory_table(plan);
  for (const char* there : {"rows of words", "rows of n-grams", "draft block", "again and again"}) {
    EXPECT_NE(tight.find(there), std::string::npos) << tight;
  }
}

}  // namespace
}  // namespace nestor::assemble
