#include "text_rules.h"

#include <gtest/gtest.h>
#include "support/paths.h"

namespace nestor::rules {
namespace {

TEST(LengthRule, SeesLongFiles) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "line\n";
  EXPECT_TRUE(length_violations({{"src/base/a.cpp", text}}).empty());
  EXPECT_EQ(length_violations({{"src/base/a.cpp", text + "line"}}).size(), 1u);
  EXPECT_EQ(length_violations({{"scripts/build", text + "line"}}).size(), 1u);
  EXPECT_TRUE(
      length_violations({{"tests/data/a.md", text + "line"}, {"tests/x.json", text + "line"}}).empty());
}

TEST(LengthRule, HoldsHere) {
  const Violations found =
      length_violations(read_tree(testing::source_folder(), {"src", "apps", "train", "tests", "cmake",
                                                             "scripts", "bench", ".ci", "examples"}));
  EXPECT_TRUE(found.empty()) << joined(found);
}

TEST(NameRule, SeesEmptyNames) {
  EXPECT_EQ(
      name_violations({"src/utils", "src/base/common.h", "src/base/misc.cpp", "tests/helpers.h"}).size(), 4u);
  EXPECT_TRUE(name_violations({"src/base/common_prefix.h", "src/commons"}).empty());
}

TEST(NameRule, HoldsHere) {
  const Violations found =
      name_violations(list_tree(testing::source_folder(), {"src", "apps", "tests", "cmake", "scripts",
                                                           "bench", "docs", "train", "study", "assets"}));
  EXPECT_TRUE(found.empty()) << joined(found);
}

TEST(EnvironmentRule, SeesReads) {
  EXPECT_EQ(environment_violations({{"src/base/a.cpp", "auto v = std::getenv(\"X\");"}}).size(), 1u);
  EXPECT_TRUE(environment_violations({{"src/base/a.cpp", "// getenv\nint getenvelope;"}}).empty());
  const File first = {"apps/nestor/a.cpp", "getenv(x);"};
  const File second = {"apps/nestor/b.cpp", "extern char** environ;"};
  EXPECT_TRUE(environment_violations({first}).empty());
  EXPECT_EQ(environment_violations({first, second}).size(), 2u);
}

TEST(MannersRule, SeesPrintingAndExiting) {
  for (const char* text :
       {"std::cout << 1;", "std::cerr << 1;", "std::printf(\"x\");", "fprintf(stderr, x);", "std::abort();",
        "exit (1);", "_exit(1);", "fmt::print(\"x\");", "std::terminate();"}) {
    EXPECT_EQ(manners_violations({{"src/base/a.cpp", text}}).size(), 1u) << text;
    EXPECT_TRUE(manners_violations({{"apps/nestor/a.cpp", text}}).empty()) << text;
  }
  for (const char* text :
       {"snprintf(b, n, x);", "f(\"exit(\");", "on_exit_code(1);", "// abort()", "int exits(3);"}) {
    EXPECT_TRUE(manners_violations({{"src/base/a.cpp", text}}).empty()) << text;
  }
}

TEST(PreprocessorRule, SeesConditions) {
  for (const char* text : {"#if FOO\n#endif\n", "  # ifdef FOO\n#endif\n", "int a;\n#ifndef B\n#endif\n"}) {
    EXPECT_EQ(preprocessor_violations({{"src/model/a.cpp", text}}).size(), 1u) << text;
    EXPECT_TRUE(preprocessor_violations({{"src/kernels/a.cpp", text}}).empty()) << text;
  }
  EXPECT_TRUE(preprocessor_violations({{"src/model/a.h", "#ifndef A_H\n#define A_H\n#endif\n"}}).empty());
  EXPECT_TRUE(preprocessor_violations({{"src/model/a.h", "#pragma once\n// #if\n"}}).empty());
}

TEST(ForwardRule, SeesCallsOfAModel) {
  for (const char* text : {"model_.forward(batch);", "logits = model->forward({&chunk, 1});"}) {
    EXPECT_EQ(forward_violations({{"src/eval/a.cpp", text}}).size(), 1u) << text;
    EXPECT_TRUE(forward_violations({{"src/decode/batch.cpp", text}}).empty()) << text;
  }
  for (const char* text : {"step.forward();", "std::forward<F>(f);", "void forward(int a);"}) {
    EXPECT_TRUE(forward_violations({{"src/eval/a.cpp", text}}).empty()) << text;
  }
}

TEST(MachinePathRule, SeesThem) {
  EXPECT_EQ(machine_path_violations({{"README.md",
                                      "fine\nsee /wo"
                                      "rk/main\n"}})
                .size(),
            1u);
  EXPECT_EQ(machine_path_violations({{"a.sh",
                                      "cd /tm"
                                      "p/n-x"}})
                .size(),
            1u);
  EXPECT_TRUE(machine_path_violations({{"README.md", "how it works/works not, /tmp/x"}}).empty());
}

TEST(TextRules, HoldHere) {
  const std::vector<File> code = read_tree(testing::source_folder(), {"src", "apps", "train"});
  for (const auto& rule :
       {environment_violations, forward_violations, manners_violations, preprocessor_violations}) {
    const Violations found = rule(code);
    EXPECT_TRUE(found.empty()) << joined(found);
  }
  const Violations paths = machine_path_violations(read_tree(testing::source_folder()));
  EXPECT_TRUE(paths.empty()) << joined(paths);
}

}  // namespace
}  // namespace nestor::rules
