// What a budget starts from, and the recipes that come out.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"
#include "plan/training_budget.h"

namespace nestor::plan {

/// A recipe whose training stays as it is, or a config.json with the default training.
class BudgetBase {
 public:
  /// Of a recipe's or a configuration's JSON. File names in a recipe are relative to `folder`. Error as for
  /// recipe::parse_recipe; `name` names it in messages.
  BudgetBase(Json json, const std::string& name, const std::filesystem::path& folder);

  /// Files in place of those of the recipe; a configuration alone has none.
  void set_tokenizer(const std::filesystem::path& file);
  void set_data(const std::filesystem::path& text_or_corpus);

  /// Fills what the base says: configuration, amplification, tokens of the training.
  void describe(BudgetRequest& request) const;

  std::string name_of(const Candidate& candidate) const;
  /// A recipe that nestor train takes.
  Json recipe_of(const Candidate& candidate) const;

 private:
  std::string name_;
  Json recipe_;
  Json config_;
};

/// The recipe that nestor train knows by that name; its file names are relative to assets/. Error(usage).
Json preset_recipe(const std::string& name);

}  // namespace nestor::plan
