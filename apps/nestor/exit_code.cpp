#include "exit_code.h"

#include <cstdio>
#include <new>

#include "base/error.h"
#include "base/printable.h"
#include "interrupt.h"
#include "terminal.h"

namespace nestor::app {
namespace {

constexpr int kFailureExit = 1;
constexpr int kUsageExit = 2;

int report(int exit_code, const char* message) {
  std::fflush(stdout);
  try {
    note("nestor: error: " + printable(message));
  } catch (const std::bad_alloc&) {
    say("nestor: error: out of memory\n");
  }
  return exit_code;
}

// The one place where kinds of errors become exit codes.
int code_of(ErrorKind kind) {
  if (kind == ErrorKind::usage) return kUsageExit;
  if (kind == ErrorKind::cancelled) return kInterruptedExit;
  return kFailureExit;
}

}  // namespace

int exit_code_of(const std::function<int()>& program) {
  try {
    return program();
  } catch (const Error& e) {
    return report(code_of(e.kind()), e.what());
  } catch (const std::bad_alloc&) {
    return report(kFailureExit, "out of memory");
  } catch (const std::exception& e) {
    return report(kFailureExit, e.what());
  }
}

}  // namespace nestor::app
