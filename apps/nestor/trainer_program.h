// nestor-train, the program that holds libtorch: found and started in place of this one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace nestor::app {

/// Beside this program, else where the shell would find it. Error(not_found).
std::filesystem::path trainer_program();

/// Does not return: this process becomes nestor-train with these arguments. Error(not_found) without such a
/// program, Error(io) if it does not start.
[[noreturn]] void become_trainer(const std::vector<std::string>& arguments);

}  // namespace nestor::app
