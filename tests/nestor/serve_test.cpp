// nestor serve as a process: it says where it listens, and ends well.
#include <gtest/gtest.h>

#include "program.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

TEST(Serve, SaysWhereItListensAndEndsWellWhenInterrupted) {
  const Outcome outcome = run_process({.program = built_program("nestor"),
                                       .arguments = {"serve", "--port", "0", "--model-name", "my-model"},
                                       .interrupt_on = "serving my-model at http://127.0.0.1:"});
  EXPECT_TRUE(outcome.in_time);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("finishing the answers under way"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("warning"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST(Serve, WarnsWhereOthersCanReachItWithoutAKey) {
  const Call open = {.program = built_program("nestor"),
                     .arguments = {"serve", "--port", "0", "--host", "0.0.0.0"},
                     .interrupt_on = "warning: anyone who reaches this address"};
  EXPECT_EQ(run_process(open).exit_code, 0);
  const Scratch scratch;
  Call closed = open;
  closed.arguments.insert(closed.arguments.end(),
                          {"--api-key-file", scratch.write("keys", "# mine\n\nsecret\n")});
  closed.interrupt_on = "serving";
  EXPECT_EQ(run_process(closed).err.find("warning"), std::string::npos);
}

TEST(Serve, RefusesWhatMakesNoSense) {
  const Scratch scratch;
  expect_error({"serve", "--log-level", "loud"}, 2, "expected error, warn, info or debug");
  expect_error({"serve", "--host", "no such host!"}, 2, "neither an address nor a name");
  expect_error({"serve", "--max-batch", "0"}, 2, "--max-batch");
  expect_error({"serve", "--api-key-file", scratch.write("empty", "\n# none\n")}, 1, "expected an API key");
  expect_error({"serve", (scratch / "nothing").string()}, 1, "expected a checkpoint folder");
}

}  // namespace
}  // namespace nestor::testing
