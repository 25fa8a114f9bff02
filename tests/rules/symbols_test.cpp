// Objects built for one instruction set must not define weak symbols: the linker keeps one definition of an
// inline function for the whole program, and it could keep the one that an older processor cannot run.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <regex>

#include "source_text.h"
#include "support/paths.h"

namespace nestor::rules {
namespace {

namespace fs = std::filesystem;

/// The lines of `nm --defined-only` that define a weak symbol (W, V) or one that is unique in the program
/// (u).
Violations weak_symbols(const std::string& object, std::string_view nm_output) {
  static const std::regex weak(R"(^[0-9a-f]*\s*([WVu])\s+(.*)$)");
  Violations violations;
  for (const std::string& line : lines_of(nm_output)) {
    std::smatch match;
    if (std::regex_match(line, match, weak)) violations.push_back(object + ": weak symbol " + match.str(2));
  }
  return violations;
}

std::string run_nm(const fs::path& object) {
  const std::string command = "nm --defined-only --demangle '" + object.string() + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string output;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), n);
  const int status = pclose(pipe);
  EXPECT_EQ(status, 0) << command << "\n" << output;
  return output;
}

// Every built object below the kernels room whose name ends as the source's does.
std::vector<fs::path> objects_of(const fs::path& source) {
  std::vector<fs::path> objects;
  const fs::path folder = testing::build_folder() / "src" / "kernels";
  const std::string end = "/" + source.filename().string() + ".o";
  for (const std::string& path : list_tree(folder, {"."})) {
    if (path.ends_with(end)) objects.push_back(folder / path);
  }
  return objects;
}

TEST(SymbolsRule, SeesWeakSymbols) {
  const char* output =
      "0000000000000000 W std::vector<int>::size() const\n0000000000000010 T nestor::f()\n"
      "0000000000000000 V vtable\n0000000000000000 u unique\n0000000000000000 r constant\n";
  EXPECT_EQ(weak_symbols("a.o", output).size(), 3u);
  EXPECT_TRUE(weak_symbols("a.o", "0000000000000010 T nestor::f()\n0000000000000020 t local\n").empty());
}

TEST(SymbolsRule, HoldsHere) {
  const fs::path folder = testing::source_folder() / "src/kernels/cpu";
  static const std::regex isa_file(R"(.*_(avx2\w*|avx512\w*)\.cpp$)");
  std::size_t sources = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!std::regex_match(entry.path().string(), isa_file)) continue;
    ++sources;
    const std::vector<fs::path> objects = objects_of(entry.path());
    EXPECT_FALSE(objects.empty()) << entry.path() << " has no object under " << testing::build_folder();
    for (const fs::path& object : objects) {
      const Violations found = weak_symbols(object.filename().string(), run_nm(object));
      EXPECT_TRUE(found.empty()) << joined(found);
    }
  }
  EXPECT_GT(sources, 0u) << folder
                         << " holds no *_avx2.cpp or *_avx512.cpp; if they are named differently now, this "
                         << "rule has to learn the names";
}

}  // namespace
}  // namespace nestor::rules
