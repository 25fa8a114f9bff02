// Standard error that nobody can read ends nothing; standard output that cannot be written is an error.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nestor/program.h"
#include "support/paths.h"

extern char** environ;

namespace nestor::testing {
namespace {

// Where a stream of the program goes.
enum class Sink { file, full_disk, closed_pipe, closed };

int opened(Sink sink, const std::string& file) {
  if (sink == Sink::file) return ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (sink == Sink::full_disk) return ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  ::close(ends[0]);
  return ends[1];
}

// The exit code, 128 + signal if one ended it.
int run(const std::string& program, Arguments arguments, Sink out, Sink err, const Scratch& scratch) {
  arguments.insert(arguments.begin(), program);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  std::vector<int> held;
  for (const auto& [sink, descriptor, name] :
       {std::tuple(out, STDOUT_FILENO, "out"), std::tuple(err, STDERR_FILENO, "err")}) {
    if (sink == Sink::closed) {
      ::posix_spawn_file_actions_addclose(&actions, descriptor);
      continue;
    }
    held.push_back(opened(sink, (scratch / name).string()));
    ::posix_spawn_file_actions_adddup2(&actions, held.back(), descriptor);
  }
  pid_t child = -1;
  EXPECT_EQ(::posix_spawn(&child, program.c_str(), &actions, nullptr, pointers.data(), environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  for (const int descriptor : held) ::close(descriptor);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

constexpr Sink kUnreadable[] = {Sink::full_disk, Sink::closed_pipe, Sink::closed};

TEST(LostOutput, OnStandardErrorEndsNothing) {
  const std::string program = built_program("nestor");
  for (const Sink sink : kUnreadable) {
    SCOPED_TRACE(static_cast<int>(sink));
    const Scratch scratch;
    const auto with = [&](const Arguments& arguments) {
      return run(program, arguments, Sink::file, sink, scratch);
    };
    const std::string text = scratch.write("text.txt", "Once upon a time there was a little girl.");
    EXPECT_EQ(with({"new", "--preset", "tiny", (scratch / "tiny").string()}), 0);
    EXPECT_EQ(with({"run", story(), "-p", "Once upon a time", "-n", "4"}), 0);
    EXPECT_GT(bytes_of(scratch / "out").size(), 4U);
    EXPECT_EQ(
        with({"eval", story(), "--text", text, "--write-importance", (scratch / "importance").string()}), 0);
    EXPECT_EQ(with({"convert", story(), (scratch / "q8").string(), "--weights", "q8", "--scales", "absmax"}),
              0);
    EXPECT_EQ(with({"data", text, "--tokenizer", story(), "--out", (scratch / "corpus").string()}), 0);
    // What went wrong is told by the exit code alone.
    EXPECT_EQ(with({"inspect", (scratch / "nothing").string()}), 1);
    EXPECT_EQ(with({"run", "--no-such-option"}), 2);
    // No line got into a file that was opened meanwhile.
    EXPECT_EQ(nestor({"inspect", (scratch / "q8").string()}).exit_code, 0);
    EXPECT_EQ(nestor({"eval", (scratch / "q8").string(), "--text", text}).exit_code, 0);
  }
}

TEST(LostOutput, OnStandardOutputIsAnError) {
  const std::string program = built_program("nestor");
  for (const Sink sink : kUnreadable) {
    SCOPED_TRACE(static_cast<int>(sink));
    const Scratch scratch;
    const std::string text = scratch.write("text.txt", "Once upon a time there was a little girl.");
    for (const Arguments& arguments : std::vector<Arguments>{{"--help"},
                                                             {"--version"},
                                                             {"run", "--help"},
                                                             {"inspect", story()},
                                                             {"run", story(), "-p", "Once", "-n", "4"},
                                                             {"eval", story(), "--text", text, "--json"},
                                                             {"tokenize", story(), "--text", "Once"},
                                                             {"completion", "bash"}}) {
      EXPECT_EQ(run(program, arguments, sink, Sink::file, scratch), 1) << arguments.front();
      EXPECT_TRUE(bytes_of(scratch / "err").starts_with("nestor: error: cannot write to standard output"))
          << arguments.front() << ": " << bytes_of(scratch / "err");
      EXPECT_EQ(run(program, arguments, sink, sink, scratch), 1) << arguments.front();
    }
  }
}

}  // namespace
}  // namespace nestor::testing
