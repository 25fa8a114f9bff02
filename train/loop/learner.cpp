#include "train/loop/learner.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/optimizer/schedule.h"

namespace nestor::train {
namespace {

using torch::Tensor;

CausalLm::Options model_options(const recipe::Recipe& recipe, const Arithmetic& arithmetic,
                                const torch::Device& device) {
  CausalLm::Options options;
  options.seed = recipe.seed;
  options.device = device;
  options.products = arithmetic.products;
  return options;
}

// What a table holds relative to what the recipe's numbers are about.
double amplification_of(const recipe::Modeling& model, const TableSpec& table) {
  const bool embedding =
      table.kind != TableSpec::Kind::layer_ngram && table.name.find(".mlps.") == std::string::npos;
  const bool folded = model.amplification == recipe::Amplification::sqrt_d && embedding;
  return folded ? std::sqrt(static_cast<double>(model.config.hidden_size)) : 1.0;
}

}  // namespace

Learner::Learner(const recipe::Recipe& recipe, const Arithmetic& arithmetic, const torch::Device& device,
                 const std::filesystem::path& scratch)
    : recipe_(recipe),
      model_(recipe.model, recipe.routing, model_options(recipe, arithmetic, device)),
      optimizer_(model_.parameters(), recipe.dense, arithmetic.products) {
  for (const TableSpec& spec : model_.tables()) {
    TableOptions options;
    options.name = spec.name;
    options.rows = spec.rows;
    options.width = spec.width;
    options.optimizer = recipe.tables;
    options.amplification = amplification_of(recipe.model, spec);
    options.seed = recipe.seed;
    options.scratch = scratch;
    tables_.push_back(make_row_table(options));
    amplification_.push_back(options.amplification);
  }
}

void Learner::fill_tables() {
  constexpr std::int64_t kValues = 1 << 20;  // at once
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const TableSpec& spec = model_.tables()[t];
    if (spec.initial_std == 0) continue;
    const std::int64_t step = std::max<std::int64_t>(1, kValues / spec.width);
    for (std::int64_t first = 0; first < spec.rows; first += step) {
      std::vector<float> values(static_cast<std::size_t>(std::min(step, spec.rows - first) * spec.width));
      initial_rows(spec, recipe_.seed, first, values);
      tables_[t]->assign(first, values);
    }
  }
}

Inputs Learner::read(const corpus::Batch& batch, Purpose::Kind kind, std::int64_t draft_rows) const {
  std::vector<const RowTable*> tables;
  for (const auto& table : tables_) tables.push_back(table.get());
  return model_.reader().read(batch, {kind, draft_rows}, tables);
}

StepResult Learner::step(std::int64_t number, const corpus::Batch& batch) {
  const Inputs inputs = read(batch, Purpose::Kind::train, model_.draft_rows(batch.rows));
  const Losses losses = model_.losses(inputs);
  losses.total.backward();

  StepResult result;
  result.tokens = batch.rows * batch.window;
  result.loss =
      losses.token_nll.item<double>() / static_cast<double>(std::max<std::int64_t>(1, losses.scored));
  result.draft_loss =
      losses.draft_nll.item<double>() / static_cast<double>(std::max<std::int64_t>(1, losses.draft_scored));
  result.balance_loss = losses.balance.item<double>();
  const GradientNorm gradients = gradient_norm(inputs);
  result.gradient_norm = gradients.norm();
  if (!std::isfinite(losses.total.item<double>()) || gradients.not_finite()) {
    optimizer_.clear_gradients();
    fail(ErrorKind::internal,
         "step {}: the loss is {} and the gradient of {} is not finite; the last snapshot is intact: go on "
         "from it with "
         "lower learning rates in a new run, or look for what is wrong with the data",
         number + 1, losses.total.item<double>(), gradients.not_finite().value_or("the loss"));
  }

  const double scale = gradients.clip_scale(recipe_.dense.clip_norm);
  result.learning_rate_factor = learning_rate_factor(recipe_.schedule, number);
  optimizer_.step({number + 1, result.learning_rate_factor, scale});
  RowStep how;
  how.learning_rate =
      recipe_.dense.learning_rate * recipe_.tables.learning_rate_factor * result.learning_rate_factor;
  how.step = number + 1;
  how.gradient_scale = scale;
  update_tables(inputs, how);
  model_.update_router_biases(losses.counts);
  optimizer_.clear_gradients();

  for (const Load& load : model_.loads(losses.counts)) {
    result.expert_load = std::max(result.expert_load, load.most);
    result.identity_share += load.identity_share / static_cast<double>(losses.counts.size());
  }
  return result;
}

// Of the run with the amplification outside of the tables, so that clipping does not depend on where it
// stands.
GradientNorm Learner::gradient_norm(const Inputs& inputs) const {
  GradientNorm gradients;
  for (const Parameter& parameter : model_.parameters())
    gradients.add(parameter.name, parameter.tensor.grad());
  for (std::size_t t = 0; t < inputs.lookups.size(); ++t) {
    gradients.add(tables_[t]->name(), inputs.lookups[t].leaf.grad(), amplification_[t]);
  }
  return gradients;
}

void Learner::update_tables(const Inputs& inputs, const RowStep& how) {
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const Tensor gradient = inputs.lookups[t].leaf.grad();
    if (!gradient.defined()) {
      tables_[t]->update({}, {}, how);
      continue;
    }
    const Tensor on_host = gradient.to(torch::kCPU, torch::kFloat32).contiguous();
    tables_[t]->update(inputs.lookups[t].batch.rows,
                       {on_host.const_data_ptr<float>(), static_cast<std::size_t>(on_host.numel())}, how);
  }
}

Score Learner::score(const corpus::Batch& batch) const {
  const torch::NoGradGuard no_grad;
  const std::int64_t draft_rows = model_.draft_rows(batch.rows) > 0 ? batch.rows : 0;
  const Losses losses = model_.losses(read(batch, Purpose::Kind::evaluate, draft_rows));
  return {losses.token_nll.item<double>(), losses.draft_nll.item<double>(), losses.scored,
          losses.draft_scored};
}

std::vector<KeptTensor> Learner::kept_tensors() const {
  std::vector<KeptTensor> kept;
  for (const Parameter& parameter : model_.parameters()) kept.push_back({parameter.name, parameter.tensor});
  for (const Buffer& buffer : model_.buffers()) kept.push_back({buffer.name, buffer.tensor});
  for (const Buffer& state : optimizer_.state()) kept.push_back({"optimizer." + state.name, state.tensor});
  return kept;
}

// Tables first: only state.json makes a snapshot count, and it is written last.
void Learner::save(const RunFolder& folder, const State& state) {
  std::filesystem::create_directories(folder.tables());
  for (const auto& table : tables_) table->save(folder.tables(), state.step);
  write_snapshot(folder, state, kept_tensors());
  const std::vector<std::int64_t> kept = prune_snapshots(folder, 2);
  for (const auto& table : tables_) table->prune(folder.tables(), kept);
}

void Learner::load(const RunFolder& folder, std::int64_t step) {
  read_tensors(folder.snapshot(step), kept_tensors());
  for (const auto& table : tables_) table->load(folder.tables(), step);
}

}  // namespace nestor::train
