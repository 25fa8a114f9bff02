// Programs that a study starts, made up: they end when they are asked often enough, and leave what a real one
// would.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "study/process.h"

namespace nestor::testing {

class FakePrograms {
 public:
  /// Held-out nats of a run, by its name and seed.
  std::function<double(const std::string& name, int seed)> loss = [](const std::string&, int) { return 4.0; };
  /// What nestor-train does before it works: true fails it.
  std::function<bool(const std::string& name, int seed)> fails = [](const std::string&, int) {
    return false;
  };
  int polls = 3;  // until a program ends

  study::StartProcess start();

  int trained = 0, asked = 0;               // programs started
  int running = 0, most_at_once = 0;        // trainers
  std::map<std::string, int> by_name = {};  // trainers started, by name of the run
};

}  // namespace nestor::testing
