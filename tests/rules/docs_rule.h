// What our documents name must exist: paths, links and the headings they lead to, scripts and sub-commands.
// So must the pages that code, its messages and scripts name.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source_text.h"

namespace nestor::rules {

/// What there is to name.
struct Inventory {
  std::set<std::string> paths;  // every file and folder of the repository, relative, without a trailing slash
  std::set<std::string> rooms;  // folders of src/
  std::set<std::string> commands;                        // sub-commands of the program
  std::map<std::string, std::set<std::string>> anchors;  // of each Markdown document: what # may lead to
  std::map<std::string, std::set<std::string>>
      options;  // of each sub-command, as its page lists them; "": of all
};

Inventory take_inventory(const std::string& source_dir);

/// The names in add_subcommand("name", ...) calls.
std::set<std::string> commands_in(std::string_view source);

/// The options in the tables of a command's page: "-n" and "--tokens" of | `-n, --tokens N` |.
std::set<std::string> options_in(std::string_view page);

/// The anchors of the headings of a Markdown document, spelled as GitHub spells them.
std::set<std::string> anchors_in(std::string_view document);

/// Links of one Markdown document that lead to no file or no heading.
Violations link_violations(const Inventory& inventory, const File& document);

/// Code spans and code blocks of one Markdown document that name something that does not exist.
Violations docs_violations(const Inventory& inventory, const File& document);

/// Pages in docs/ that any text of a file names, headings included ("docs/bench.md#example"), and that do not
/// exist.
Violations page_violations(const Inventory& inventory, const File& file);

}  // namespace nestor::rules
