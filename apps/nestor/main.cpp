// nestor: run and understand language models with N-gram Embeddings. Sub-commands are in files of their own.
// Exit codes: 0 success, 1 what went wrong while loading or running, 2 wrong usage, 130 interrupted.
#include "arguments.h"
#include "base/error.h"
#include "exit_code.h"
#include "help_format.h"
#include "interrupt.h"
#include "plan_command.h"
#include "terminal.h"

namespace nestor::app {
namespace {

// Who opens a small model need not be told what it takes.
constexpr std::uint64_t kWorthTelling = std::uint64_t{256} << 20;

void show_plan(const assemble::MemoryPlan& plan) {
  if (plan.weights + plan.word_rows + plan.ngram_rows >= kWorthTelling) note(memory_table(plan));
}

int run(int argc, char** argv) {
  CLI::App root{"Nestor runs language models of the LongCat-Flash-Lite class.", "nestor"};
  root.formatter(std::make_shared<HelpFormat>());
  root.set_help_flag("-h,--help", "Print this help");
  root.set_version_flag("--version", "nestor " NESTOR_VERSION, "Print the version");
  root.fallthrough();
  root.footer(
      "The options stand before or after the name of a command. nestor COMMAND --help explains a command.\n\n"
      "Examples:\n  nestor run -p \"Once upon a time there was\"\n  nestor chat MODEL");
  assemble::OpenOptions engine;
  add_engine_options(root, engine);
  engine.see_plan = show_plan;
  engine.make_progress = [] { return std::make_unique<TerminalProgress>("GB", 1e9); };
  engine.see_note = [](const std::string& text) { note(text); };
  const std::vector<Command> commands = {run_command(root, engine),
                                         chat_command(root, engine),
                                         serve_command(root, engine),
                                         logits_command(root, engine),
                                         ngram_ids_command(root, engine),
                                         tokenize_command(root),
                                         detokenize_command(root),
                                         template_command(root),
                                         inspect_command(root, engine),
                                         new_command(root, engine),
                                         convert_command(root, engine),
                                         eval_command(root, engine),
                                         bench_command(root, engine),
                                         data_command(root),
                                         tokenizer_command(root),
                                         train_command(root, engine),
                                         plan_command(root, engine),
                                         report_command(root),
                                         study_command(root),
                                         completion_command(root)};
  std::ranges::for_each(commands, list_common_options);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return print_help(root, e);  // --help and --version
    fail(ErrorKind::usage, "{}", usage_message(root, e));
  }
  for (const Command& command : commands) {
    if (!command.parser->parsed()) continue;
    check_common_options(root, command);
    return command.run();
  }
  fail(ErrorKind::usage, "no command is given; see nestor --help");
}

}  // namespace
}  // namespace nestor::app

int main(int argc, char** argv) {
  nestor::app::hold_standard_streams();
  nestor::app::end_on_bus_errors();
  return nestor::app::exit_code_of([&] { return nestor::app::run(argc, argv); });
}
