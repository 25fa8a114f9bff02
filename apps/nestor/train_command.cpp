// nestor train: hands the work to nestor-train, the program that holds libtorch.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "arguments.h"
#include "base/error.h"
#include "environment.h"
#include "train_options.h"

namespace nestor::app {
namespace {

namespace fs = std::filesystem;
constexpr const char* kProgram = "nestor-train";

bool is_program(const fs::path& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem) && ::access(path.c_str(), X_OK) == 0;
}

// Beside this program, else where the shell would find it.
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

int execute(const TrainOptions& options, const assemble::OpenOptions& engine) {
  const std::string program = trainer_program().string();
  std::vector<std::string> arguments = {program};
  const std::vector<std::string> given = to_arguments(options);
  arguments.insert(arguments.end(), given.begin(), given.end());
  if (engine.threads > 0)
    arguments.insert(arguments.end(), {"--set", fmt::format("threads={}", engine.threads)});
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv(program.c_str(), pointers.data());
  fail(ErrorKind::io, "cannot start {}: {}", program, std::strerror(errno));
}

}  // namespace

Command train_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<TrainOptions>();
  CLI::App* app = root.add_subcommand("train", "Train a model as a recipe says");
  add_train_options(*app, *o);
  return {app, [o, &engine] { return execute(*o, engine); }};
}

}  // namespace nestor::app
