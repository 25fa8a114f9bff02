// nestor plan: answers before anything is trained or downloaded.
#include "plan_command.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::app {

Command plan_command(CLI::App& root, const assemble::OpenOptions& engine) {
  CLI::App* group = root.add_subcommand("plan", "Answer questions before training or downloading a model");
  const std::vector<Command> commands = {plan_budget_command(*group), plan_fit_command(*group, engine),
                                         plan_collisions_command(*group)};
  std::ranges::for_each(commands, list_common_options);
  group->footer(
      "nestor plan COMMAND --help explains a command.\n\n"
      "Example:\n  nestor plan fit lite --weights q4 --tables q4");
  // The group takes what any of them takes; each then refuses what it does not use itself.
  std::vector<std::string> common;
  for (const Command& c : commands) common.insert(common.end(), c.common.begin(), c.common.end());
  return {group,
          [commands, &root] {
            const auto given =
                std::ranges::find_if(commands, [](const Command& c) { return c.parser->parsed(); });
            if (given == commands.end()) {
              fail(ErrorKind::usage, "no command of nestor plan is given; see nestor plan --help");
            }
            check_common_options(root, *given);
            return given->run();
          },
          common};
}

}  // namespace nestor::app
