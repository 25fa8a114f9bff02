// nestor completion: a script that teaches a shell the commands and options.
#include "arguments.h"
#include "completion_script.h"
#include "terminal.h"

namespace nestor::app {

Command completion_command(CLI::App& root) {
  auto shell = std::make_shared<std::string>();
  CLI::App* app = root.add_subcommand("completion", "Print a completion script for a shell");
  app->add_option("SHELL", *shell, "bash, zsh or fish")->required();
  app->footer("Example:\n  eval \"$(nestor completion bash)\"");
  return {app, [shell, &root] {
            print(completion_script(root, *shell));
            return 0;
          }};
}

}  // namespace nestor::app
