#include "comments_rule.h"

#include <gtest/gtest.h>
#include "support/paths.h"

namespace nestor::rules {
namespace {

std::size_t violations_in(const std::string& text, const std::string& path = "src/base/a.cpp") {
  return comment_violations({"src", "src/base", "src/base/error.h", "src/kernels/cpu/tile.cpp",
                             "docs/chat.md", "scripts/unicode.py", "cmake/rooms.cmake"},
                            {{path, text}})
      .size();
}

TEST(CommentRule, AcceptsWhatExists) {
  for (const char* text :
       {"// see base/error.h", "int a;  // src/base/error.h, kernels/cpu/tile.cpp and cpu/tile.cpp",
        "const char* a = \"// base/gone.h\";", "// tensorflow/lib/crc.h, llama.cpp",
        "f(spec);  // a special case", "// the specification that kernels are tested against",
        "// spec.ratio", "// error.h, tile.cpp, docs/chat.md, chat.md, scripts/unicode.py",
        "// NAME_fuzz.cpp, a-b.md, cpu/vec_*.h", "const char* a = \"gone.md\";"}) {
    EXPECT_EQ(violations_in(text), 0U) << text;
  }
  for (const char* path : {"scripts/build", "cmake/rooms.cmake", "CMakeLists.txt", "bench/a.py"}) {
    EXPECT_EQ(violations_in("x = 1  # docs/chat.md, error.h\n# base/error.h\nopen('gone.py')", path), 0U)
        << path;
  }
}

TEST(CommentRule, SeesWhatIsMissing) {
  for (const char* text :
       {"// see base/gone.h", "int a;  /// kernels/tile.cpp", "f(\"//\");  // base/gone.h",
        "// The router (spec 3.5).", "// spec section 2", "// as in the spec's arithmetic",
        "// against the numbers of the specification", "// (Spec 3.1)", "// docs/gone.md", "// gone.h",
        "// see gone.md#part", "// written by scripts/gone.py", "// gone.py"}) {
    EXPECT_EQ(violations_in(text), 1U) << text;
  }
  for (const char* path : {"scripts/build", "cmake/rooms.cmake", "CMakeLists.txt", "bench/a.py"}) {
    EXPECT_EQ(violations_in("x = 1  # docs/gone.md\n# base/gone.h", path), 2U) << path;
  }
}

TEST(CommentRule, HoldsHere) {
  auto files = read_tree(testing::source_folder(),
                         {"src", "apps", "train", "tests", "bench", "study", "cmake", "scripts", "examples"});
  std::erase_if(files, [](const File& file) { return file.path.starts_with("tests/rules/"); });  // examples
  const Violations found = comment_violations(list_tree(testing::source_folder(), {}), files);
  EXPECT_TRUE(found.empty()) << joined(found);
}

}  // namespace
}  // namespace nestor::rules
