#include "child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/error.h"

namespace nestor::app {
namespace {

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

// Between fork and exec only calls that are safe in a signal handler are.
[[noreturn]] void become(const study::ProcessCommand& command, char* const* arguments, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it ended before that
  ::setpgid(0, 0);                          // Ctrl-C is for the parent, which passes it on
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(command.out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int err = ::open(command.err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (in < 0 || out < 0 || err < 0) ::_exit(127);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  for (const int descriptor : {in, out, err}) {
    if (descriptor > 2) ::close(descriptor);
  }
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program, const study::ProcessCommand& command) {
  std::vector<char*> arguments = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : command.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) fail(ErrorKind::io, "cannot start {}: {}", program.string(), std::strerror(errno));
  if (pid_ == 0) become(command, arguments.data(), parent);
}

ChildProcess::~ChildProcess() {
  if (end_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
}

std::optional<study::Process::End> ChildProcess::end() {
  if (end_) return end_;
  int status = 0;
  rusage usage{};
  const pid_t waited = ::wait4(pid_, &status, WNOHANG, &usage);
  if (waited == 0 || (waited < 0 && errno == EINTR)) return std::nullopt;
  if (waited < 0) fail(ErrorKind::internal, "lost a child process: {}", std::strerror(errno));
  end_ = End{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
             seconds(usage.ru_utime) + seconds(usage.ru_stime)};
  return end_;
}

void ChildProcess::interrupt() {
  if (!end_) ::kill(pid_, SIGINT);
}

}  // namespace nestor::app
