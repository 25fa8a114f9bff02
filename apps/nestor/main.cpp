// nestor: run and understand language models with N-gram Embeddings. Sub-commands are in files of their own.
// Exit codes: 0 success, 1 what went wrong while loading or running, 2 wrong usage, 130 interrupted.
#include <fmt/format.h>

#include <cstdio>
#include <new>

#include "arguments.h"
#include "base/error.h"
#include "interrupt.h"

namespace nestor::app {
namespace {

constexpr int kFailureExit = 1;
constexpr int kUsageExit = 2;

int report(int exit_code, std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "nestor: error: {}\n", message);
  return exit_code;
}

// The one place where kinds of errors become exit codes.
int exit_code_of(ErrorKind kind) {
  if (kind == ErrorKind::usage) return kUsageExit;
  if (kind == ErrorKind::cancelled) return kInterruptedExit;
  return kFailureExit;
}

int run(int argc, char** argv) {
  CLI::App root{"Nestor: language models whose parameters live in N-gram Embedding tables.", "nestor"};
  root.set_version_flag("--version", "nestor " NESTOR_VERSION);
  root.require_subcommand(1);
  root.fallthrough();
  root.footer(
      "nestor COMMAND --help shows examples. Common options work with every command, before or after its "
      "name.\n"
      "First steps: nestor run -p \"Once upon a time\"");
  assemble::EngineOptions engine;
  add_engine_options(root, engine);
  const std::vector<Command> commands = {
      run_command(root, engine),       chat_command(root, engine),    logits_command(root, engine),
      ngram_ids_command(root, engine), tokenize_command(root),        detokenize_command(root),
      template_command(root),          inspect_command(root, engine), new_command(root),
      completion_command(root)};
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return root.exit(e) == 0 ? 0 : kUsageExit;
  }
  for (const Command& command : commands) {
    if (command.parser->parsed()) return command.run();
  }
  return kUsageExit;
}

}  // namespace
}  // namespace nestor::app

int main(int argc, char** argv) {
  using nestor::app::report;
  nestor::app::install_program_signals();
  try {
    return nestor::app::run(argc, argv);
  } catch (const nestor::Error& e) {
    return report(nestor::app::exit_code_of(e.kind()), e.what());
  } catch (const std::bad_alloc&) {
    return report(nestor::app::kFailureExit, "out of memory");
  } catch (const std::exception& e) {
    return report(nestor::app::kFailureExit, e.what());
  }
}
