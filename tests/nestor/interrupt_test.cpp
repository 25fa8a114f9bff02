// Ctrl-C: what was printed stays, the program ends soon with 130.
#include <gtest/gtest.h>

#include "program.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

Outcome interrupted(const Arguments& arguments) {
  Outcome outcome =
      run_process({.program = built_program("nestor"), .arguments = arguments, .interrupt_after = 20});
  EXPECT_TRUE(outcome.in_time);
  return outcome;
}

// Slow enough not to be over before the signal: one thread of the reference kernels.
const Arguments kLong = {"run", "-p",           "Once upon a time", "-n",        "1900",      "--temperature",
                         "0.7", "--ignore-eos", "--kernels",        "reference", "--threads", "1"};

TEST(Interrupt, RunKeepsWhatItPrinted) {
  const Outcome outcome = interrupted(kLong);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_GE(outcome.out.size(), 20u);
  EXPECT_TRUE(outcome.out.ends_with("\n"));
  EXPECT_NE(outcome.err.find("cancelled"), std::string::npos) << outcome.err;
}

// What a cancelled run printed is the beginning of the whole text.
TEST(Interrupt, TheTextIsABeginning) {
  std::string part = interrupted(kLong).out;
  part.pop_back();
  Arguments shorter = kLong;
  shorter[4] = "100";
  std::string whole = output_of(shorter);
  whole.pop_back();
  const std::size_t n = std::min(part.size(), whole.size());
  EXPECT_EQ(part.substr(0, n), whole.substr(0, n));
}

}  // namespace
}  // namespace nestor::testing
