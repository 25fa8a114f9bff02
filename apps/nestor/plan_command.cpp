// nestor plan: answers before anything is trained or downloaded.
#include "plan_command.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::app {

Command plan_command(CLI::App& root) {
  CLI::App* group = root.add_subcommand("plan", "Answer questions before training or downloading a model");
  const std::vector<Command> commands = {plan_collisions_command(*group)};
  group->footer(
      "nestor plan COMMAND --help explains a command.\n\n"
      "Example:\n  nestor plan collisions corpus --ratio 30");
  return {group, [commands] {
            const auto given =
                std::ranges::find_if(commands, [](const Command& c) { return c.parser->parsed(); });
            if (given == commands.end()) {
              fail(ErrorKind::usage, "no command of nestor plan is given; see nestor plan --help");
            }
            return given->run();
          }};
}

}  // namespace nestor::app
