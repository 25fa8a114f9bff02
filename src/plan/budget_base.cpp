#include "plan/budget_base.h"

#include <fmt/format.h>

#include "recipe/presets.h"
#include "recipe/recipe_json.h"

namespace nestor::plan {

BudgetBase::BudgetBase(Json json, const std::string& name, const std::filesystem::path& folder)
    : name_(name) {
  if (json.is_object() && json.contains("model")) {
    recipe_ = std::move(json);
    recipe::anchor_paths(recipe_, folder.string());
    config_ = recipe::parse_recipe(recipe_, name).model.config_json;
    recipe_["model"].erase("vanilla");
    return;
  }
  config_ = std::move(json);
  const bool layer_norm = config_.value("embedding_amplification", "") == "layer_norm";
  recipe_ = {{"name", std::filesystem::path(name).stem().string()},
             {"model",
              {{"draft", config_.value("num_nextn_predict_layers", 0) == 1},
               {"amplification", layer_norm ? "layer_norm" : "sqrt_d"}}},
             {"data", {{"tokenizer", "TOKENIZER"}, {"train", Json::array({"CORPUS"})}}}};
}

void BudgetBase::set_tokenizer(const std::filesystem::path& file) {
  recipe_["data"]["tokenizer"] = std::filesystem::absolute(file).string();
}

void BudgetBase::set_data(const std::filesystem::path& text_or_corpus) {
  recipe_["data"]["train"] = Json::array({std::filesystem::absolute(text_or_corpus).string()});
}

void BudgetBase::describe(BudgetRequest& request) const {
  Json whole = recipe_;
  whole["model"]["config"] = config_;
  const recipe::Recipe read = recipe::parse_recipe(whole, name_);
  request.config = config_;
  request.amplified = read.model.amplification != recipe::Amplification::none;
  request.training_tokens = read.schedule.steps * read.data.rows * read.data.window;
}

std::string BudgetBase::name_of(const Candidate& candidate) const {
  return fmt::format("{}-share{:.0f}", recipe_.value("name", "run"), 100 * candidate.share);
}

Json BudgetBase::recipe_of(const Candidate& candidate) const {
  Json recipe = recipe_;
  recipe["name"] = name_of(candidate);
  recipe["model"]["config"] = candidate.config_json;
  recipe::parse_recipe(recipe, "the planned recipe");
  return recipe;
}

Json preset_recipe(const std::string& name) { return recipe::preset(name); }

}  // namespace nestor::plan
