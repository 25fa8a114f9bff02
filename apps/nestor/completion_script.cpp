#include "completion_script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "help_format.h"

namespace nestor::app {
namespace {

struct Named {
  std::string name;
  std::string description;
};

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<Named> options_of(const CLI::App& app) {
  std::vector<Named> all;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      all.push_back({"--" + name, option->get_description()});
    for (const std::string& name : option->get_snames())
      all.push_back({"-" + name, option->get_description()});
  }
  return all;
}

// Keeps those common options that a command uses.
std::vector<Named> common_options_of(const CLI::App& command) {
  std::vector<Named> all = options_of(*command.get_parent());
  const auto format = std::dynamic_pointer_cast<HelpFormat>(command.get_formatter());
  std::erase_if(all, [&](const Named& option) {
    return format == nullptr || std::ranges::find(format->common(), option.name) == format->common().end();
  });
  return all;
}

// What may follow a command: its options; of a group, its commands and their options.
std::vector<Named> words_after(const CLI::App& command) {
  std::vector<Named> all = options_of(command);
  std::ranges::move(common_options_of(command), std::back_inserter(all));
  for (const CLI::App* inner : commands_of(command)) {
    all.push_back({inner->get_name(), inner->get_description()});
    for (Named& option : options_of(*inner)) {
      const auto same = [&](const Named& n) { return n.name == option.name; };
      if (std::ranges::none_of(all, same)) all.push_back(std::move(option));
    }
  }
  return all;
}

std::string names(const std::vector<Named>& options) {
  std::vector<std::string> all;
  for (const Named& o : options) all.push_back(o.name);
  return fmt::format("{}", fmt::join(all, " "));
}

std::string bash_script(const CLI::App& root) {
  std::vector<std::string> commands;
  std::string cases;
  for (const CLI::App* command : commands_of(root)) {
    commands.push_back(command->get_name());
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), names(words_after(*command)));
  }
  return fmt::format(
      "# bash completion for nestor: source this file, or eval \"$(nestor completion bash)\"\n"
      "_nestor() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} command= words= w\n"
      "  for w in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case \" {} \" in *\" $w \"*) command=$w; break ;; esac\n"
      "  done\n"
      "  case $command in\n"
      "{}"
      "    *) words=\"{} {}\" ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  [[ $word == -* || -z $command ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
      "}}\n"
      "complete -o filenames -F _nestor nestor\n",
      fmt::join(commands, " "), cases, fmt::join(commands, " "), names(options_of(root)));
}

std::string escaped_for_fish(std::string text) {
  for (std::size_t at = 0; (at = text.find_first_of("'\\", at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

std::string fish_line(const std::string& condition, const Named& option) {
  if (!option.name.starts_with("-")) {
    return fmt::format("complete -c nestor {} -a {} -d '{}'\n", condition, option.name,
                       escaped_for_fish(option.description));
  }
  const bool is_long = option.name.starts_with("--");
  return fmt::format("complete -c nestor {} -{} {} -d '{}'\n", condition, is_long ? "l" : "s",
                     option.name.substr(is_long ? 2 : 1), escaped_for_fish(option.description));
}

std::string fish_script(const CLI::App& root) {
  std::string out = "# fish completion for nestor: nestor completion fish | source\n";
  for (const Named& option : options_of(root)) out += fish_line("-n __fish_use_subcommand", option);
  for (const CLI::App* command : commands_of(root)) {
    out += fmt::format("complete -c nestor -n __fish_use_subcommand -a {} -d '{}'\n", command->get_name(),
                       escaped_for_fish(command->get_description()));
    const std::string seen = fmt::format("-n '__fish_seen_subcommand_from {}'", command->get_name());
    for (const Named& word : words_after(*command)) out += fish_line(seen, word);
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& root, const std::string& shell) {
  if (shell == "bash") return bash_script(root);
  if (shell == "zsh") return "autoload -U +X bashcompinit && bashcompinit\n" + bash_script(root);
  if (shell == "fish") return fish_script(root);
  fail(ErrorKind::usage, "no completion for {}; expected bash, zsh or fish", in_quotes(shell));
}

}  // namespace nestor::app
