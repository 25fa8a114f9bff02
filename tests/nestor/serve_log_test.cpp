// nestor serve whose log cannot be written, and whose terminal goes away: it answers as before, and ends as
// asked.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "serve/client.h"
#include "support/paths.h"

extern char** environ;

namespace nestor::testing {
namespace {

// Any that is free just now.
std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(s, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(s);
  return ntohs(address.sin_port);
}

class ServingProcess {
 public:
  explicit ServingProcess(int log) : port_(free_port()) {
    const std::string program = built_program("nestor"), port = std::to_string(port_);
    std::vector<std::string> words = {program, "serve", "--port", port, "--model-name", "m"};
    std::vector<char*> arguments;
    for (std::string& w : words) arguments.push_back(w.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    EXPECT_EQ(::posix_spawn(&child_, program.c_str(), &actions, nullptr, arguments.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 6000 && !listens(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ~ServingProcess() {
    if (child_ > 0) ::kill(child_, SIGKILL);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }
  ServingProcess(const ServingProcess&) = delete;
  ServingProcess& operator=(const ServingProcess&) = delete;

  int status_of(const std::string& path) const { return request(port_, "GET", path).status; }
  double metric(const std::string& name) const {
    const std::string text = request(port_, "GET", "/metrics").body;
    const std::size_t at = text.find("\nnestor_" + name + " ");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + 9 + name.size());
  }
  void signal(int number) const { ::kill(child_, number); }
  /// 128 + signal for one that a signal ended.
  int exit_code() {
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  bool listens() const {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = ::connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    ::close(s);
    return connected;
  }

  std::uint16_t port_;
  pid_t child_ = -1;
};

struct Descriptor {
  int number;
  ~Descriptor() { ::close(number); }
};

void expect_it_serves(ServingProcess& server, int requests, double least_dropped) {
  const std::string path = "/" + std::string(2000, 'x');
  for (int i = 0; i < requests; ++i) ASSERT_EQ(server.status_of(path), 404) << i;
  EXPECT_GE(server.metric("log_lines_dropped_total"), least_dropped);
  server.signal(SIGTERM);
  EXPECT_EQ(server.exit_code(), 0);
}

TEST(ServeLog, AFullDiskEndsNothing) {
  const Descriptor full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  ServingProcess server(full.number);
  expect_it_serves(server, 20, 20);
}

TEST(ServeLog, APipeThatIsClosedEndsNothing) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Descriptor to{ends[1]};
  ServingProcess server(to.number);
  ::close(ends[0]);
  expect_it_serves(server, 20, 20);
}

// It takes 64 KiB, and then nothing.
TEST(ServeLog, APipeThatNobodyReadsHoldsNothingUp) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Descriptor from{ends[0]}, to{ends[1]};
  ServingProcess server(to.number);
  expect_it_serves(server, 300, 100);
}

TEST(ServeLog, AHangUpEndsItAsATerminationDoes) {
  const Descriptor nothing{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  ServingProcess server(nothing.number);
  EXPECT_EQ(server.status_of("/health"), 200);
  server.signal(SIGHUP);
  EXPECT_EQ(server.exit_code(), 0);
}

TEST(ServeLog, AHangUpThatIsIgnoredFromTheBeginningStaysSo) {
  const Descriptor nothing{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  const auto before = ::signal(SIGHUP, SIG_IGN);
  ServingProcess server(nothing.number);
  ::signal(SIGHUP, before);
  server.signal(SIGHUP);
  EXPECT_EQ(server.status_of("/health"), 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.exit_code(), 0);
}

}  // namespace
}  // namespace nestor::testing
