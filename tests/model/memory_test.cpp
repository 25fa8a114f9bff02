// The memory of a model, counted in pages, and its limit.
#include <gtest/gtest.h>

#include "base/cpu.h"
#include "checkpoint/checkpoint.h"
#include "config/parse_config.h"
#include "kernels/registry.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/refusal.h"

namespace nestor {
namespace {

std::unique_ptr<model::Model> open(std::int64_t cache_bytes) {
  const auto folder = testing::golden_folder("variant_plne");
  model::ModelOptions options;
  options.ops = &kernels::select_set("auto", cpu_info());
  options.cache_bytes = cache_bytes;
  return model::open_model(config::read_config(folder / "config.json"),
                           std::make_shared<const checkpoint::Checkpoint>(folder), options);
}

void append(model::Model& model, const lm::Sequence& sequence, std::size_t count) {
  const std::vector<TokenId> ids(count, 1);
  const std::vector<lm::Chunk> batch = {{sequence.id(), ids, 0}};
  model.forward(batch);
}

TEST(ModelMemory, WithoutALimit) {
  const auto model = open(0);
  EXPECT_EQ(model->memory().pages, lm::Memory::unlimited);
  EXPECT_EQ(model->memory().page_positions, 64);
  EXPECT_EQ(model->memory().pages_in_use, 0);
  // 2 layers of 2 attentions, 64 positions, 8 latent and 2 rotary values in float32.
  EXPECT_EQ(model->memory().page_bytes,
            4 * 64 * (model->config().kv_lora_rank + model->config().qk_rope_head_dim) * 4);
}

TEST(ModelMemory, WhatAnAppendTakesIsKnownBefore) {
  const auto model = open(0);
  lm::Sequence trunk(*model);
  append(*model, trunk, 100);
  std::vector<lm::Sequence> forks;
  forks.push_back(trunk.fork(64));
  forks.push_back(trunk.fork(70));  // shares a page that it cannot write to
  forks.push_back(trunk.fork(0));
  forks.push_back(std::move(trunk));
  for (const std::size_t count : {1U, 2U, 27U, 58U, 64U, 65U, 130U}) {
    for (const lm::Sequence& sequence : forks) {
      const lm::Sequence copy = sequence.fork(sequence.length());
      const std::int64_t before = model->memory().pages_in_use;
      const std::int64_t taken = model->pages_to_append(copy.id(), static_cast<std::int64_t>(count));
      append(*model, copy, count);
      EXPECT_EQ(model->memory().pages_in_use - before, taken) << count << " after " << sequence.length();
    }
  }
  EXPECT_EQ(model->pages_to_append(forks[0].id(), 0), 0);
}

TEST(ModelMemory, ItsLimitIsAnErrorThatLeavesEverythingAsItWas) {
  const std::int64_t page_bytes = open(0)->memory().page_bytes;
  const auto model = open(3 * page_bytes + page_bytes / 2);
  EXPECT_EQ(model->memory().pages, 3);
  lm::Sequence a(*model), b(*model);
  append(*model, a, 64);
  append(*model, b, 64);
  const std::vector<TokenId> ids(64, 1);
  const std::vector<lm::Chunk> both = {{a.id(), ids}, {b.id(), ids}};
  EXPECT_REFUSED(model->forward(both), ErrorKind::limit, "all 3 pages");
  EXPECT_EQ(model->memory().pages_in_use, 2);
  EXPECT_EQ(a.length(), 64);
  append(*model, a, 64);
  { const lm::Sequence closed = std::move(a); }
  append(*model, b, 128);  // pages come back
}

TEST(ModelMemory, NoRoomForAPageIsRefused) {
  const std::int64_t page_bytes = open(0)->memory().page_bytes;
  EXPECT_REFUSED(open(page_bytes - 1), ErrorKind::usage, "64 positions of this model take");
  EXPECT_REFUSED(open(-1), ErrorKind::usage, "-1 bytes were given to the latent cache");
  EXPECT_EQ(open(page_bytes)->memory().pages, 1);
}

}  // namespace
}  // namespace nestor
