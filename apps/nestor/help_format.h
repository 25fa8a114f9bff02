// How --help is printed: what the command does, how it is called, its options in columns, examples.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nestor::app {

class HelpFormat : public CLI::FormatterBase {
 public:
  /// `common`: the options of the program that are named at the end of a command's help.
  explicit HelpFormat(std::vector<std::string> common = {}) : common_(std::move(common)) {}
  const std::vector<std::string>& common() const { return common_; }

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;

 private:
  std::vector<std::string> common_;
};

/// Prints what --help or --version asked for; the exit code.
int print_help(const CLI::App& root, const CLI::ParseError& asked);

/// What CLI11 says about a wrong command line, as one sentence that names the command whose --help helps.
std::string usage_message(const CLI::App& root, const CLI::ParseError& error);

}  // namespace nestor::app
