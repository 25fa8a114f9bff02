#include "source_text.h"

#include <gtest/gtest.h>
#include "support/paths.h"

namespace nestor::rules {
namespace {

TEST(SourceText, CodeOnlyBlanksCommentsAndLiterals) {
  EXPECT_EQ(code_only("int a; // exit(\nint b;"), "int a;         \nint b;");
  EXPECT_EQ(code_only("a /* exit(\n */ b"), "a         \n    b");
  EXPECT_EQ(code_only(R"cc(f("ex\"it("))cc"), R"cc(f("       "))cc");
  EXPECT_EQ(code_only("f(R\"x(exit()x\") + 1"), "f(R\"         \") + 1");
  EXPECT_EQ(code_only("'\"' + exit('a')"), "' ' + exit(' ')");
  EXPECT_EQ(code_only("1'000 + exit(1'000)"), "1'000 + exit(1'000)");
}

TEST(SourceText, IncludesAreTakenByKind) {
  const char* text =
      "#include \"base/error.h\"\n  # include <vector>\n// #include \"no/no.h\"\n#include <torch/torch.h>\n";
  EXPECT_EQ(quoted_includes(text), std::vector<std::string>{"base/error.h"});
  EXPECT_EQ(angled_includes(text), (std::vector<std::string>{"vector", "torch/torch.h"}));
}

TEST(SourceText, TheTreeIsThere) {
  const std::vector<File> files = read_tree(testing::source_folder(), {"src", "tests"});
  EXPECT_GT(files.size(), 20u);
  EXPECT_TRUE(read_tree(testing::source_folder(), {"no such folder"}).empty());
}

}  // namespace
}  // namespace nestor::rules
