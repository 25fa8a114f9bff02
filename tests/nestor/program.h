// The program `nestor` for tests: calls of it, what a good and a failing call must look like, and model
// folders to call it with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/token_id.h"
#include "process.h"
#include "support/scratch_folder.h"

namespace nestor::testing {

using Arguments = std::vector<std::string>;

Outcome nestor(const Arguments& arguments, const std::string& input = "");

/// The standard output of a call that must succeed; a failure is reported to GoogleTest.
std::string output_of(const Arguments& arguments, const std::string& input = "");
Json json_of(const Arguments& arguments, const std::string& input = "");

/// The call must end with this code, print nothing on standard output and one line `nestor: error: ...` on
/// standard error, in which `part` occurs.
void expect_error(const Arguments& arguments, int exit_code, const std::string& part = "");

/// A folder of its own that is removed afterwards, with paths as arguments need them.
class Scratch {
 public:
  std::filesystem::path operator/(const std::string& name) const { return folder_.path() / name; }
  std::string write(const std::string& name, const std::string& bytes) const {
    return folder_.write(name, bytes).string();
  }

 private:
  ScratchFolder folder_;
};

std::string story();                             // the checkpoint tests/data/golden/story
std::string test_data(const std::string& path);  // a file or folder of tests/data
Json read_test_json(const std::string& path);    // path below tests/data
std::string bytes_of(const std::filesystem::path& file);
std::string spaced(const std::vector<TokenId>& ids);  // "1 2 3"

}  // namespace nestor::testing
