// What our documents name must exist: paths, links, scripts and sub-commands.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "source_text.h"

namespace nestor::rules {

/// What there is to name.
struct Inventory {
  std::set<std::string> paths;  // every file and folder of the repository, relative, without a trailing slash
  std::set<std::string> rooms;  // folders of src/
  std::set<std::string> commands;  // sub-commands of the program
};

Inventory take_inventory(const std::string& source_dir);

/// The names in add_subcommand("name", ...) calls.
std::set<std::string> commands_in(std::string_view source);

/// Code spans, code blocks and links of one Markdown document that name something that does not exist.
Violations docs_violations(const Inventory& inventory, const File& document);

}  // namespace nestor::rules
