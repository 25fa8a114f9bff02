#include "help_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/printable.h"
#include "terminal.h"

namespace nestor::app {
namespace {

constexpr std::size_t kLeftWidth = 30;  // of the column with the names, indentation included
constexpr std::size_t kLineWidth = 100;
constexpr std::size_t kMostOfMessage = 400;

// The names of an option and what it takes: "-n, --max-tokens N"; of a positional its name.
std::string left_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true);
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  const bool flag = option.get_items_expected_max() == 0;
  return fmt::format("{}{}{}", fmt::join(names, ", "), flag ? "" : " ", flag ? "" : option.get_option_text());
}

// Two columns, the right one wrapped.
std::string row(const std::string& left, const std::string& right) {
  std::string out;
  std::string line = fmt::format("  {:<{}}", left, kLeftWidth - 2);
  if (line.size() > kLeftWidth) {
    out = line + "\n";
    line.assign(kLeftWidth, ' ');
  }
  std::istringstream words(right);
  bool first = true;
  for (std::string word; words >> word; first = false) {
    if (!first && line.size() + 1 + word.size() > kLineWidth) {
      out += line + "\n";
      line.assign(kLeftWidth, ' ');
      first = true;
    }
    line += (first ? "" : " ") + word;
  }
  return out + line + "\n";
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, const std::string& group) {
  return app.get_options(
      [&](const CLI::Option* o) { return !o->get_positional() && o->get_group() == group; });
}

// In the order of their first option; --help, which comes with the parser, does not count.
std::vector<std::string> groups_of(const CLI::App& app) {
  std::vector<std::string> groups;
  for (const CLI::Option* option : app.get_options()) {
    const std::string& group = option->get_group();
    if (option == app.get_help_ptr() || option->get_positional()) continue;
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  if (std::ranges::find(groups, "Options") == groups.end()) groups.emplace_back("Options");
  return groups;
}

std::string usage_line(const CLI::App& app, const std::string& name) {
  std::string out = "Usage: " + name;
  const bool has_commands = !app.get_subcommands([](const CLI::App*) { return true; }).empty();
  out += has_commands ? " COMMAND [OPTIONS]" : " [OPTIONS]";
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* o) { return !o->get_positional() && o->get_required(); })) {
    out += " " + left_of(*option);
  }
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    const bool several = option->get_items_expected_max() > 1;
    const std::string positional = option->get_name(true) + (several ? "..." : "");
    out += option->get_required() ? " " + positional : " [" + positional + "]";
  }
  return out + "\n";
}

std::string command_rows(const CLI::App& app) {
  std::string out;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    out += row(command->get_name(), command->get_description());
  }
  return out;
}

std::string extras_message(const CLI::App& root) {
  const std::vector<std::string> extras = root.remaining(true);
  if (extras.empty()) return "an argument is not expected";
  const std::string what = in_quotes(extras.front());
  if (extras.front().starts_with("-")) return fmt::format("there is no option {}", what);
  if (root.get_subcommands().empty()) return fmt::format("there is no command {}", what);
  return fmt::format("the argument {} is one too many", what);
}

}  // namespace

std::string HelpFormat::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const {
  std::string out = app->get_description() + "\n\n" + usage_line(*app, name);
  std::string positionals;
  for (const CLI::Option* option :
       app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    positionals += row(left_of(*option), option->get_description());
  }
  if (!positionals.empty()) out += "\n" + positionals;
  if (const std::string commands = command_rows(*app); !commands.empty()) out += "\nCommands:\n" + commands;
  for (const std::string& group : groups_of(*app)) {
    std::string rows;
    for (const CLI::Option* option : options_of(*app, group)) {
      rows += row(left_of(*option), option->get_description());
    }
    if (!rows.empty()) out += fmt::format("\n{}:\n{}", group, rows);
  }
  if (!common_.empty())
    out += fmt::format("\nCommon options (see nestor --help): {}\n", fmt::join(common_, ", "));
  return out + "\n" + app->get_footer() + "\n";
}

int print_help(const CLI::App& root, const CLI::ParseError& asked) {
  std::ostringstream text;
  root.exit(asked, text, text);
  print(text.str());
  return 0;
}

std::string usage_message(const CLI::App& root, const CLI::ParseError& error) {
  std::string text = error.what();
  constexpr std::string_view kTwice = ": At Most 1 required but received";
  constexpr std::string_view kNothing = ": 1 required ";
  constexpr std::string_view kNotConverted = "Could not convert: ";
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    text = extras_message(root);
  } else if (const auto twice = text.find(kTwice); twice != std::string::npos) {
    text = text.substr(0, twice) + " is given more than once";
  } else if (const auto nothing = text.find(kNothing); nothing != std::string::npos) {
    text = text.substr(0, nothing) + " needs a value";
  } else if (text.starts_with(kNotConverted)) {
    text = "cannot read " + text.substr(kNotConverted.size());
  }
  std::string command;
  for (auto parsed = root.get_subcommands(); !parsed.empty(); parsed = parsed.front()->get_subcommands()) {
    command += parsed.front()->get_name() + " ";
  }
  return fmt::format("{}; see nestor {}--help", printable_ends(text, kMostOfMessage), command);
}

}  // namespace nestor::app
