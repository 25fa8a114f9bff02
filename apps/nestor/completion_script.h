// Completion scripts for shells, made from the parser itself, so that they know every option there is.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace nestor::app {

/// `shell` is bash, zsh or fish. Error(usage) otherwise.
std::string completion_script(const CLI::App& root, const std::string& shell);

}  // namespace nestor::app
