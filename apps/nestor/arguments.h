// What all sub-commands share on the command line, and how they are registered.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "assemble/open.h"
#include "base/token_id.h"

namespace nestor::app {

/// A sub-command: its options on the parser, and what it does once they are parsed. run() returns an exit
/// code; errors are exceptions.
struct Command {
  CLI::App* parser = nullptr;
  std::function<int()> run;
  std::vector<std::string> common = {};  // the engine options that it uses
};

/// Options that several sub-commands use; they live on the root parser, to which sub-commands fall through.
void add_engine_options(CLI::App& root, assemble::OpenOptions& options);

/// The names of all of them, which whoever computes with a model uses.
std::vector<std::string> engine_options();

/// Has --help of a command list the engine options that it uses.
void list_common_options(const Command& command);

/// Error(usage) if an engine option was given that the command does not use.
void check_common_options(const CLI::App& root, const Command& command);

/// The optional positional MODEL.
void add_model(CLI::App& parser, std::string& model, const std::string& what = "checkpoint folder");

/// Error(usage) unless exactly one of these options of the parser was given.
void require_one_of(const CLI::App& parser, const std::vector<std::string>& names);

/// The folder or file that MODEL names; without it the bundled model.
std::filesystem::path resolve_model(const std::string& model);

/// "1 2 3", also with commas; `option` names the option in the message. Error(usage) for anything else.
std::vector<TokenId> parse_ids(const std::string& text, std::string_view option = "--ids");

/// A whole text file, "-" for standard input. Exact bytes.
std::string read_text(const std::string& file_or_dash);

/// The same; of JSON lines (by the name of the file) the text of every line, with an empty line between them.
std::string read_documents(const std::string& file_or_dash);

/// For seeds, which CLI11 would also read from "-1".
CLI::Validator whole_number();

/// For options that count things: 0 to 2^30.
CLI::Range at_least_zero();

// One function per sub-command, each in its own file.
Command run_command(CLI::App& root, const assemble::OpenOptions& engine);
Command chat_command(CLI::App& root, const assemble::OpenOptions& engine);
Command serve_command(CLI::App& root, const assemble::OpenOptions& engine);
Command logits_command(CLI::App& root, const assemble::OpenOptions& engine);
Command ngram_ids_command(CLI::App& root, const assemble::OpenOptions& engine);
Command tokenize_command(CLI::App& root);
Command detokenize_command(CLI::App& root);
Command template_command(CLI::App& root);
Command inspect_command(CLI::App& root, const assemble::OpenOptions& engine);
Command new_command(CLI::App& root, const assemble::OpenOptions& engine);
Command convert_command(CLI::App& root, const assemble::OpenOptions& engine);
Command train_command(CLI::App& root, const assemble::OpenOptions& engine);
Command data_command(CLI::App& root);
Command tokenizer_command(CLI::App& root);
Command bench_command(CLI::App& root, const assemble::OpenOptions& engine);
Command report_command(CLI::App& root);
Command study_command(CLI::App& root);
Command eval_command(CLI::App& root, const assemble::OpenOptions& engine);
Command completion_command(CLI::App& root);

}  // namespace nestor::app
