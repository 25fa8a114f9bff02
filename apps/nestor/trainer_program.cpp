#include "trainer_program.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "environment.h"

namespace nestor::app {
namespace {

namespace fs = std::filesystem;
constexpr const char* kProgram = "nestor-train";

bool is_program(const fs::path& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

fs::path trainer_program() {
  std::error_code problem;
  fs::path beside = fs::read_symlink("/proc/self/exe", problem).parent_path() / kProgram;
  if (is_program(beside)) return beside;
  std::istringstream folders(search_path());
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && is_program(fs::path(folder) / kProgram)) return fs::path(folder) / kProgram;
  }
  fail(ErrorKind::not_found,
       "training needs the program {}, which is neither {} nor in PATH; build it with scripts/build",
       kProgram, beside.string());
}

void become_trainer(const std::vector<std::string>& arguments) {
  std::string program = trainer_program().string();
  std::vector<char*> pointers = {program.data()};
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  ::execv(program.c_str(), pointers.data());
  fail(ErrorKind::io, "cannot start {}: {}", program, std::strerror(errno));
}

}  // namespace nestor::app
