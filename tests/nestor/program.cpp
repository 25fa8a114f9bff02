#include "program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

constexpr std::uint64_t kMostBytes = 64U << 20;

std::string call_text(const Arguments& arguments) {
  return fmt::format("nestor {}", fmt::join(arguments, " "));
}

}  // namespace

Outcome nestor(const Arguments& arguments, const std::string& input) {
  const Outcome outcome =
      run_process({.program = built_program("nestor"), .arguments = arguments, .input = input});
  EXPECT_TRUE(outcome.in_time) << call_text(arguments);
  return outcome;
}

std::string output_of(const Arguments& arguments, const std::string& input) {
  const Outcome outcome = nestor(arguments, input);
  EXPECT_EQ(outcome.exit_code, 0) << call_text(arguments) << "\n" << outcome.err;
  return outcome.out;
}

Json json_of(const Arguments& arguments, const std::string& input) {
  const std::string text = output_of(arguments, input);
  EXPECT_TRUE(Json::accept(text)) << call_text(arguments) << "\n" << text.substr(0, 1000);
  return Json::accept(text) ? parse_json(text, "standard output") : Json();
}

void expect_error(const Arguments& arguments, int exit_code, const std::string& part) {
  SCOPED_TRACE(call_text(arguments));
  const Outcome outcome = nestor(arguments);
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("nestor: error: ")) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
}

std::string story() { return story_folder().string(); }

std::string test_data(const std::string& path) { return (test_data_folder() / path).string(); }

Json read_test_json(const std::string& path) { return read_json(test_data(path), kMostBytes); }

std::string bytes_of(const std::filesystem::path& file) { return read_file(file, kMostBytes); }

std::string spaced(const std::vector<TokenId>& ids) { return fmt::format("{}", fmt::join(ids, " ")); }

}  // namespace nestor::testing
