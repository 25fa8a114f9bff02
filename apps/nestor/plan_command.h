// nestor plan and the commands of its group.
#pragma once

#include "arguments.h"

namespace nestor::app {

Command plan_command(CLI::App& root, const assemble::OpenOptions& engine);

// The commands of the group; each adds itself.
Command plan_budget_command(CLI::App& group);
Command plan_fit_command(CLI::App& group, const assemble::OpenOptions& engine);
Command plan_collisions_command(CLI::App& group);

}  // namespace nestor::app
