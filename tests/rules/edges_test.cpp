#include "edges_rule.h"

#include <gtest/gtest.h>

#include <filesystem>
#include "support/paths.h"

namespace nestor::rules {
namespace {

constexpr const char* kTable =
    "Before.\n\n| room | may include |\n|---|---|\n| base | nothing of ours |\n| kernels | base |\n"
    "| config | base |\n| apps | all of src |\n\n| other | table |\n|---|---|\n| x | y |\n";

Violations includes(const std::string& path, const std::string& text) {
  return include_violations(parse_edges(kTable), {{path, text}});
}

TEST(EdgesRule, ParsesTheTable) {
  const Edges expected = {{"base", {}}, {"kernels", {"base"}}, {"config", {"base"}}, {"apps", {"*"}}};
  EXPECT_EQ(parse_edges(kTable), expected);
}

TEST(EdgesRule, AllowsItsOwnRoomAndTheTable) {
  EXPECT_TRUE(includes("src/config/a.cpp", "#include \"config/a.h\"\n#include \"base/error.h\"\n").empty());
  EXPECT_TRUE(includes("apps/nestor/main.cpp", "#include \"config/a.h\"\n").empty());
}

TEST(EdgesRule, SeesWrongIncludes) {
  EXPECT_EQ(includes("src/base/a.h", "#include \"config/a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("src/config/a.h", "#include \"kernels/a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("src/config/a.h", "#include \"a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("src/config/a.h", "#include \"config/../base/a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("apps/nestor/main.cpp", "#include \"unknown/a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("src/unknown/a.h", "#include \"base/a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("src/kernels/cpu/a.h", "#include \"kernels/reference/a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("src/kernels/reference/a.h", "#include \"kernels/cpu/a.h\"\n").size(), 1u);
  EXPECT_EQ(includes("tests/base/a.cpp", "#include <torch/torch.h>\n").size(), 1u);
  EXPECT_EQ(includes("apps/nestor-train/a.cpp", "#include <torch/torch.h>\n").size(), 1u);
  EXPECT_EQ(includes("train/ops/a.h", "#include \"config/a.h\"\n").size(), 1u);
}

TEST(EdgesRule, TheTrainerIsARoomBesideTheLibraryAndSeesTorch) {
  const std::string table =
      "| room | may include |\n|---|---|\n| base | nothing of ours |\n| train | base |\n";
  const auto check = [&](const std::string& path, const std::string& text) {
    return include_violations(parse_edges(table), {{path, text}}).size();
  };
  EXPECT_EQ(
      check("train/ops/a.h", "#include <torch/torch.h>\n#include \"train/torch.h\"\n#include \"base/a.h\"\n"),
      0u);
  EXPECT_EQ(check("tests/train/a.cpp", "#include <ATen/Parallel.h>\n"), 0u);
}

TEST(EdgesRule, AProgramMayIncludeWhatLiesBesideIt) {
  const std::vector<File> files = {{"apps/nestor/main.cpp", "#include \"run.h\"\n"},
                                   {"apps/nestor/run.h", ""}};
  EXPECT_TRUE(include_violations(parse_edges(kTable), files).empty());
  EXPECT_EQ(includes("apps/nestor/main.cpp", "#include \"run.h\"\n").size(), 1u);
  const std::vector<File> two = {{"apps/other/main.cpp", "#include \"nestor/run.h\"\n"},
                                 {"apps/nestor/run.h", ""}};
  EXPECT_TRUE(include_violations(parse_edges(kTable), two).empty());
}

TEST(EdgesRule, SeesWrongDependencies) {
  const auto check = [](const char* room, const char* text) {
    return cmake_violations(parse_edges(kTable), {{std::string("src/") + room + "/CMakeLists.txt", text}})
        .size();
  };
  EXPECT_EQ(check("config", "nestor_room(config SRCS a.cpp DEPS base LIBS icu kernels)"), 0u);
  EXPECT_EQ(check("config", "nestor_room(config SRCS a.cpp\n  DEPS base kernels)"), 1u);
  EXPECT_EQ(check("config", "nestor_room(kernels SRCS a.cpp)"), 1u);
  EXPECT_EQ(check("unknown", "# no rows"), 1u);
}

TEST(EdgesRule, HoldsHere) {
  const std::vector<File> documents = read_tree(testing::source_folder());
  std::string architecture;
  for (const File& file : documents) {
    if (file.path == "ARCHITECTURE.md") architecture = file.text;
  }
  const Edges edges = parse_edges(architecture);
  ASSERT_GT(edges.size(), 2u) << "ARCHITECTURE.md has no table of allowed edges";
  const std::vector<File> files =
      read_tree(testing::source_folder(), {"src", "apps", "train", "tests", "bench"});
  const Violations wrong_includes = include_violations(edges, files);
  EXPECT_TRUE(wrong_includes.empty()) << joined(wrong_includes);
  const Violations wrong_dependencies = cmake_violations(edges, files);
  EXPECT_TRUE(wrong_dependencies.empty()) << joined(wrong_dependencies);
}

}  // namespace
}  // namespace nestor::rules
