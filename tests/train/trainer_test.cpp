// A step taken by two processes, which here are threads that meet: reduced, the gradients of the halves of a
// batch are those of the whole batch.
#include "train/loop/trainer.h"

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <thread>

#include "recipe/recipe_json.h"
#include "train/model_fixture.h"

namespace nestor::train {
namespace {

using torch::Tensor;

constexpr int kProcesses = 2;

struct Meeting {
  std::barrier<> all{kProcesses};
  std::array<Tensor, kProcesses> values;
  std::array<std::vector<Tensor>, kProcesses> parts;
};

class ThreadMesh final : public Mesh {
 public:
  ThreadMesh(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return kProcesses; }
  void all_reduce(Tensor values) override {
    meeting_.values[static_cast<std::size_t>(rank_)] = values;
    meeting_.all.arrive_and_wait();
    const Tensor sum = meeting_.values[0] + meeting_.values[1];
    meeting_.all.arrive_and_wait();
    values.copy_(sum);
  }
  std::vector<Tensor> all_to_all(std::vector<Tensor> parts) override {
    meeting_.parts[static_cast<std::size_t>(rank_)] = std::move(parts);
    meeting_.all.arrive_and_wait();
    std::vector<Tensor> came;
    for (const auto& sent : meeting_.parts) came.push_back(sent[static_cast<std::size_t>(rank_)]);
    meeting_.all.arrive_and_wait();
    return came;
  }

 private:
  Meeting& meeting_;
  int rank_;
};

recipe::Recipe recipe_of(Json config) {
  for (const char* key : {"architectures", "num_nextn_predict_layers", "embedding_amplification"})
    config.erase(key);
  const Json model = {{"config", config}, {"amplification", "sqrt_d"}, {"draft_fraction", 1.0}};
  // The balance of experts is that of each part, so it is left out here.
  const Json routing = {{"balance_loss", 0.0}, {"hidden_z_loss", 0.05}};
  const Json data = {{"tokenizer", "/t"}, {"train", Json::array({"/a"})}, {"window", 24}, {"rows", 4}};
  return recipe::parse_recipe({{"model", model}, {"routing", routing}, {"data", data}}, "test");
}

corpus::Batch half_of(const corpus::Batch& whole, int which) {
  corpus::Batch half;
  half.rows = whole.rows / kProcesses;
  half.window = whole.window;
  const auto part = [&](const auto& all, auto& some) {
    const auto size = std::ssize(all) / kProcesses;
    some.assign(all.begin() + which * size, all.begin() + (which + 1) * size);
  };
  part(whole.ids, half.ids);
  part(whole.targets, half.targets);
  part(whole.second_targets, half.second_targets);
  part(whole.segments, half.segments);
  part(whole.positions, half.positions);
  return half;
}

// One process and what it has learnt after a step.
struct Process {
  explicit Process(const recipe::Recipe& recipe, Mesh& mesh) : trainer(recipe, {}, torch::kCPU, "/", mesh) {
    trainer.fill_tables();
  }

  void step(const corpus::Batch& part) {
    gradients = trainer.compute(part);
    trainer.reduce(gradients);
    result = trainer.apply(0, gradients);
  }

  Trainer trainer;
  Gradients gradients;
  StepResult result;
};

struct Two {
  Meeting meeting;
  std::array<std::unique_ptr<ThreadMesh>, kProcesses> meshes;
  std::array<std::unique_ptr<Process>, kProcesses> processes;

  Two(const recipe::Recipe& recipe, const corpus::Batch& batch) {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < kProcesses; ++rank) {
      threads.emplace_back([&, rank] {
        const auto at = static_cast<std::size_t>(rank);
        at::set_num_threads(1);  // of this thread's own team
        meshes[at] = std::make_unique<ThreadMesh>(meeting, rank);
        processes[at] = std::make_unique<Process>(recipe, *meshes[at]);
        processes[at]->step(half_of(batch, rank));
      });
    }
  }
};

// Both compute in float32, in other orders: each value of a chain of some 100 operations is rounded by a unit
// of 2^-24 of itself, and a sum of up to 96 x 61 terms as many times, with random signs: below 1e-4 in norm.
constexpr double kClose = 1e-4;

void expect_close(const Tensor& found, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  EXPECT_LE((found - expected).norm().item<double>(), kClose * expected.norm().item<double>() + 1e-12)
      << what;
}

class TrainerInTwo : public ::testing::TestWithParam<const char*> {
 protected:
  static Json config() {
    for (const auto& [name, config] : testing::model_zoo()) {
      if (name == GetParam()) return config;
    }
    return {};
  }
};

TEST_P(TrainerInTwo, HalvesAddUpToTheWholeBatch) {
  const recipe::Recipe recipe = recipe_of(config());
  const corpus::Batch batch = testing::random_batch(recipe.model.config, 4, 24, 3);
  OneProcess alone;
  Process whole(recipe, alone);
  whole.step(batch);
  const Two two(recipe, batch);
  const Gradients &expected = whole.gradients, &first = two.processes[0]->gradients,
                  &second = two.processes[1]->gradients;

  for (std::size_t p = 0; p < expected.dense.size(); ++p) {
    const std::string& name = whole.trainer.model().parameters()[p].name;
    expect_close(first.dense[p], expected.dense[p], name);
    EXPECT_TRUE(torch::equal(first.dense[p], second.dense[p])) << name;
  }
  for (std::size_t t = 0; t < expected.tables.size(); ++t) {
    const RowGradients& table = expected.tables[t];
    const Tensor sums = torch::empty_like(table.sums);
    std::array<std::int64_t, kProcesses> found{};
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const auto owner = static_cast<std::size_t>(table.rows[i] % kProcesses);
      const RowGradients& owned = two.processes[owner]->gradients.tables[t];
      const auto at = found[owner]++;
      ASSERT_LT(at, std::ssize(owned.rows));
      ASSERT_EQ(owned.rows[static_cast<std::size_t>(at)], table.rows[i]);
      sums[static_cast<std::int64_t>(i)].copy_(owned.sums[at]);
    }
    expect_close(sums, table.sums, whole.trainer.tables()[t]->name());
    EXPECT_EQ(found[0], std::ssize(first.tables[t].rows));
    EXPECT_EQ(found[1], std::ssize(second.tables[t].rows));
  }
  for (std::size_t n = 0; n < expected.counts.size(); ++n) {
    EXPECT_TRUE(torch::equal(first.counts[n], expected.counts[n])) << n;
  }
  EXPECT_EQ(first.whole.scored, expected.whole.scored);
  EXPECT_EQ(first.norm.norm(), second.norm.norm());
}

// What is global is the same in all processes after the step, and what reports say is of the whole batch.
TEST_P(TrainerInTwo, ProcessesStayEqual) {
  const recipe::Recipe recipe = recipe_of(config());
  const corpus::Batch batch = testing::random_batch(recipe.model.config, 4, 24, 3);
  OneProcess alone;
  Process whole(recipe, alone);
  whole.step(batch);
  const Two two(recipe, batch);
  const CausalLm &first = two.processes[0]->trainer.model(), &second = two.processes[1]->trainer.model();
  for (std::size_t p = 0; p < first.parameters().size(); ++p) {
    EXPECT_TRUE(torch::equal(first.parameters()[p].tensor, second.parameters()[p].tensor))
        << first.parameters()[p].name;
  }
  for (std::size_t b = 0; b < first.buffers().size(); ++b) {
    EXPECT_TRUE(torch::equal(first.buffers()[b].tensor, whole.trainer.model().buffers()[b].tensor))
        << first.buffers()[b].name;
  }
  for (const auto& process : two.processes) {
    const StepResult &found = process->result, &expected = whole.result;
    EXPECT_EQ(found.tokens, expected.tokens);
    EXPECT_NEAR(found.loss, expected.loss, kClose * expected.loss);
    EXPECT_NEAR(found.draft_loss, expected.draft_loss, kClose * expected.draft_loss);
    EXPECT_NEAR(found.gradient_norm, expected.gradient_norm, kClose * expected.gradient_norm);
    EXPECT_EQ(found.expert_load, expected.expert_load);
    EXPECT_EQ(found.identity_share, expected.identity_share);
  }
}

INSTANTIATE_TEST_SUITE_P(All, TrainerInTwo, ::testing::Values("lite", "plne_and_ngram_normed", "plain_flash"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace nestor::train
