#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace nestor::app {

/// Refuses text that is empty: a variable of the shell that is not set must not mean the default.
inline CLI::Validator not_empty() {
  return {[](const std::string& text) -> std::string {
            return text.empty() ? "the value is empty; leave it out for the default" : "";
          },
          ""};
}

}  // namespace nestor::app
