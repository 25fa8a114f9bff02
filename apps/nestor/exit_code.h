// How a program ends: errors become one line on standard error and an exit code.
#pragma once

#include <functional>

namespace nestor::app {

/// Runs the program and gives its exit code. An exception is reported: 1 for what went wrong while loading or
/// running, 2 for wrong usage, 130 if the user interrupted.
int exit_code_of(const std::function<int()>& program);

}  // namespace nestor::app
