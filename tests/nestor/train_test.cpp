// nestor train where there is no trainer; with one it is tested in tests/nestor-train.
#include <gtest/gtest.h>

#include "program.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

TEST(Train, WithoutTheTrainerSaysHowToBuildIt) {
  const Scratch scratch;
  const auto alone = scratch / "nestor";
  std::filesystem::copy_file(built_program("nestor"), alone);
  const Outcome outcome = run_process(
      {.program = alone.string(), .arguments = {"train", "smoke", "--out", (scratch / "run").string()}});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("training needs the program nestor-train"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("scripts/build"), std::string::npos) << outcome.err;
}

TEST(Train, NeedsARecipeAndAFolder) {
  expect_error({"train"}, 2);
  expect_error({"train", "smoke"}, 2, "--out");
}

}  // namespace
}  // namespace nestor::testing
