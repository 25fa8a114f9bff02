#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

extern char** environ;

namespace nestor::testing {
namespace {

using Clock = std::chrono::steady_clock;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int end(std::size_t i) const { return ends_[i]; }
  void close_end(std::size_t i) {
    if (ends_[i] >= 0) ::close(ends_[i]);
    ends_[i] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};  // to read from, to write to
};

pid_t spawn(const Call& call, const Pipe& in, const Pipe& out, const Pipe& err) {
  std::vector<char*> arguments = {const_cast<char*>(call.program.c_str())};
  for (const std::string& a : call.arguments) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.end(0), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.end(1), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.end(1), STDERR_FILENO);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, call.program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + call.program);
  return child;
}

// Moves what the child printed into `text`; closes the pipe at its end.
void receive(Pipe& pipe, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t n = ::read(pipe.end(0), buffer.data(), buffer.size());
  if (n > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  } else {
    pipe.close_end(0);
  }
}

// Writes some of the input; closes the pipe when all is written or the child does not read any more.
void send(Pipe& pipe, std::string_view& rest) {
  const ssize_t n = rest.empty() ? 0 : ::write(pipe.end(1), rest.data(), rest.size());
  if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  if (rest.empty() || n < 0) pipe.close_end(1);
}

}  // namespace

Outcome run_process(const Call& call) {
  ::signal(SIGPIPE, SIG_IGN);  // a child may end before it has read all its input
  Pipe in, out, err;
  const pid_t child = spawn(call, in, out, err);
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  ::fcntl(in.end(1), F_SETFL, O_NONBLOCK);

  Outcome outcome;
  std::string_view rest = call.input;
  send(in, rest);
  bool interrupted = false;
  auto end = Clock::now() + call.limit;
  bool doomed = false;
  while (out.end(0) >= 0 || err.end(0) >= 0) {
    if (Clock::now() > end) {
      outcome.in_time = false;
      ::kill(child, SIGKILL);
      break;
    }
    std::array<pollfd, 3> ready{};  // a negative descriptor is passed over
    ready[0] = {in.end(1), POLLOUT, 0};
    ready[1] = {out.end(0), POLLIN, 0};
    ready[2] = {err.end(0), POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    ::poll(ready.data(), ready.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, 100)));
    if (ready[0].revents != 0) send(in, rest);
    if (ready[1].revents != 0) receive(out, outcome.out);
    if (ready[2].revents != 0) receive(err, outcome.err);
    if (call.kill_when && !doomed && call.kill_when(outcome.err)) {
      doomed = true;
      end = Clock::now() + call.kill_delay;
    }
    const bool enough = call.interrupt_after && outcome.out.size() >= *call.interrupt_after;
    const bool seen = call.interrupt_on && outcome.err.find(*call.interrupt_on) != std::string::npos;
    if (!interrupted && (enough || seen)) {
      interrupted = true;
      ::kill(child, SIGINT);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace nestor::testing
