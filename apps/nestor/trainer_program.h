// nestor-train, the program that holds libtorch: found and started in place of this one.
#pragma once

#include <string>
#include <vector>

namespace nestor::app {

/// Does not return: this process becomes nestor-train with these arguments. Error(not_found) without such a
/// program, Error(io) if it does not start.
[[noreturn]] void become_trainer(const std::vector<std::string>& arguments);

}  // namespace nestor::app
