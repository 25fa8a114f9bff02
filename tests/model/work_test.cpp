// The budget's operations are what forward passes of the golden checkpoints count.
#include <gtest/gtest.h>

#include "config/budget.h"
#include "kernels/ops.h"
#include "kernels/registry.h"
#include "layers/observer.h"
#include "lm/sequence.h"
#include "support/golden.h"

namespace nestor {
namespace {

class PickCounter : public layers::Observer {
 public:
  explicit PickCounter(std::int64_t experts) : experts_(experts) {}
  void see_routing(std::string_view, const kernels::Routing& routing) override {
    for (const std::int32_t e : routing.expert) picks += e < experts_ ? 1 : 0;
  }
  double picks = 0;

 private:
  std::int64_t experts_;
};

class Work : public ::testing::TestWithParam<std::string> {};

TEST_P(Work, OperationsAreThoseOfTheBudget) {
  const auto model =
      testing::open_model(testing::golden_folder(GetParam()), kernels::runnable_sets(cpu_info()).back());
  const lm::Sequence sequence(*model);
  std::int64_t depth = 0;
  // A prompt that workers share by slabs, a few rows, one row; with and without logits.
  for (const auto& [rows, logits] : {std::pair{70, 1}, {3, 3}, {1, 0}}) {
    const std::vector<TokenId> ids(static_cast<std::size_t>(rows), 5);
    const lm::Chunk chunk{sequence.id(), ids, logits};
    PickCounter counter(model->config().n_routed_experts);
    const kernels::Work before = model->work();
    model->forward({&chunk, 1}, counter);
    const kernels::Work after = model->work();

    config::Pass pass;
    pass.rows = rows;
    for (std::int64_t t = 0; t < rows; ++t) pass.positions += static_cast<double>(++depth);
    pass.picks = counter.picks;
    pass.logits = logits;
    const double counted = static_cast<double>(after.code_products - before.code_products +
                                               after.float_products - before.float_products);
    EXPECT_EQ(config::operations_of(model->config(), {}, pass, config::AttentionForm::latent).total(),
              counted)
        << rows << " rows";
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Work, ::testing::ValuesIn(testing::golden_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor
