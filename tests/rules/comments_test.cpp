#include "comments_rule.h"

#include <gtest/gtest.h>
#include "support/paths.h"

namespace nestor::rules {
namespace {

std::size_t violations_in(const std::string& text) {
  return comment_violations({"src", "src/base", "src/base/error.h", "src/kernels/cpu/tile.cpp"},
                            {{"src/base/a.cpp", text}})
      .size();
}

TEST(CommentRule, AcceptsWhatExists) {
  for (const char* text :
       {"// see base/error.h", "int a;  // src/base/error.h, kernels/cpu/tile.cpp and cpu/tile.cpp",
        "const char* a = \"// base/gone.h\";", "// tensorflow/lib/crc.h, llama.cpp",
        "f(spec);  // a special case", "// the specification that kernels are tested against",
        "// spec.ratio"}) {
    EXPECT_EQ(violations_in(text), 0U) << text;
  }
}

TEST(CommentRule, SeesWhatIsMissing) {
  for (const char* text : {"// see base/gone.h", "int a;  /// kernels/tile.cpp", "f(\"//\");  // base/gone.h",
                           "// The router (spec 3.5).", "// spec section 2", "// as in the spec's arithmetic",
                           "// against the numbers of the specification", "// (Spec 3.1)"}) {
    EXPECT_EQ(violations_in(text), 1U) << text;
  }
}

TEST(CommentRule, HoldsHere) {
  auto files = read_tree(testing::source_folder(), {"src", "apps", "train", "tests", "bench", "study"});
  std::erase_if(files, [](const File& file) { return file.path.starts_with("tests/rules/"); });  // examples
  const Violations found = comment_violations(list_tree(testing::source_folder(), {}), files);
  EXPECT_TRUE(found.empty()) << joined(found);
}

}  // namespace
}  // namespace nestor::rules
