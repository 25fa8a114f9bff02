// Variables of a block, with the blocks around it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/values/object.h"

namespace nestor::chat {

class Scope : public Kept {
 public:
  explicit Scope(std::shared_ptr<Scope> around) : around_(std::move(around)) {}

  /// The variable in this block or the nearest one around it; nullptr where there is none.
  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope; scope = scope->around_.get()) {
      for (const auto& [key, value] : scope->variables_) {
        if (key == name) return &value;
      }
    }
    return nullptr;
  }

  /// Sets it in this block.
  void set(const std::string& name, Value value) {
    for (auto& [key, old] : variables_) {
      if (key == name) {
        old = std::move(value);
        return;
      }
    }
    variables_.emplace_back(name, std::move(value));
  }

  const std::shared_ptr<Scope>& around() const { return around_; }
  void release() override { variables_.clear(); }

 private:
  std::shared_ptr<Scope> around_;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace nestor::chat
