#include "train/loop/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "recipe/recipe_json.h"
#include "train/loop/branch_norms.h"
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

TableOptions table_options(const TableSpec& spec, const recipe::Recipe& recipe,
                           const std::filesystem::path& scratch) {
  TableOptions options;
  options.name = spec.name;
  options.rows = spec.rows;
  options.width = spec.width;
  options.optimizer = recipe.tables;
  options.amplification = spec.amplification;
  options.seed = recipe.seed;
  options.scratch = scratch;
  return options;
}

// Calls `use` with stretches of the rows of a table, first and how many, that hold about a million values.
template <typename Use>
void in_stretches(std::int64_t rows, std::int64_t width, const Use& use) {
  constexpr std::int64_t kValues = 1 << 20;
  const std::int64_t step = std::max<std::int64_t>(1, kValues / width);
  for (std::int64_t first = 0; first < rows; first += step) use(first, std::min(step, rows - first));
}

}  // namespace

Trainer::Trainer(const recipe::Recipe& recipe, const Arithmetic& arithmetic, const torch::Device& device,
                 const std::filesystem::path& scratch, Mesh& mesh)
    : recipe_(recipe),
      scratch_(scratch),
      mesh_(mesh),
      model_(recipe.model, recipe.routing, model_options(recipe, arithmetic, device)),
      optimizer_(model_.parameters(), recipe.dense, arithmetic.products) {
  for (const TableSpec& spec : model_.tables())
    tables_.push_back(make_row_table(table_options(spec, recipe, scratch)));
}

void Trainer::fill_tables() {
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const TableSpec& spec = model_.tables()[t];
    if (spec.initial_std == 0) continue;
    in_stretches(spec.rows, spec.width, [&](std::int64_t first, std::int64_t count) {
      std::vector<float> values(static_cast<std::size_t>(count * spec.width));
      initial_rows(spec, recipe_.seed, first, values);
      tables_[t]->assign(first, values);
    });
  }
}

std::vector<RowTable*> Trainer::tables() const {
  std::vector<RowTable*> list;
  for (const auto& table : tables_) list.push_back(table.get());
  return list;
}

Inputs Trainer::read(const corpus::Batch& batch, Purpose::Kind kind, std::int64_t draft_rows) const {
  return model_.reader().read(batch, {kind, draft_rows}, tables());
}

Gradients Trainer::compute(const corpus::Batch& part) const {
  Inputs inputs = read(part, Purpose::Kind::train, model_.draft_rows(part.rows));
  // Losses are means over the whole batch, so that gradients of its parts only need adding up.
  mesh_.all_reduce(torch::from_blob(&inputs.whole, {3}, torch::kInt64));
  const Losses losses = model_.losses(inputs);
  losses.total.backward();
  return take_gradients(model_, inputs, losses);
}

// The norm is that of the run with the amplification outside of the tables, so that clipping does not depend
// on where it stands.
void Trainer::reduce(Gradients& gradients) const {
  mesh_.all_reduce(torch::from_blob(&gradients.losses, {4}, torch::kFloat64));
  for (const Tensor& counts : gradients.counts) mesh_.all_reduce(counts);
  for (std::size_t p = 0; p < gradients.dense.size(); ++p) {
    if (gradients.dense[p].defined()) mesh_.all_reduce(gradients.dense[p]);
    gradients.norm.add(model_.parameters()[p].name, squares_of(gradients.dense[p]));
  }
  std::vector<double> squares(tables_.size());
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    exchange_rows(mesh_, gradients.tables[t]);
    squares[t] = squares_of(gradients.tables[t].sums);
  }
  mesh_.all_reduce(torch::from_blob(squares.data(), {std::ssize(squares)}, torch::kFloat64));
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    gradients.norm.add(tables_[t]->name(), squares[t], model_.tables()[t].amplification);
  }
}

StepResult Trainer::result_of(const Gradients& gradients) const {
  const auto mean = [](double sum, std::int64_t count) {
    return sum / static_cast<double>(std::max<std::int64_t>(1, count));
  };
  StepResult result;
  result.tokens = gradients.whole.positions;
  result.loss = mean(gradients.losses.token_nll, gradients.whole.scored);
  result.draft_loss = mean(gradients.losses.draft_nll, gradients.whole.draft_scored);
  result.balance_loss = gradients.losses.balance;
  result.gradient_norm = gradients.norm.norm();
  for (const Load& load : model_.loads(gradients.counts)) {
    result.expert_load = std::max(result.expert_load, load.most);
    result.identity_share += load.identity_share / static_cast<double>(gradients.counts.size());
  }
  return result;
}

std::optional<std::string> Trainer::objection(const Gradients& gradients) {
  if (const auto& name = gradients.norm.not_finite())
    return fmt::format("the gradient of {} is not finite", *name);
  if (!std::isfinite(gradients.losses.total)) return "the loss is not finite";
  return std::nullopt;
}

StepResult Trainer::apply(std::int64_t number, const Gradients& gradients) {
  if (const auto why = objection(gradients)) fail(ErrorKind::internal, "step {}: {}", number + 1, *why);
  StepResult result = result_of(gradients);
  result.learning_rate_factor = learning_rate_factor(recipe_.schedule, number);
  const double scale = gradients.norm.clip_scale(recipe_.dense.clip_norm);
  RowStep how;
  how.step = earlier_steps_ + number + 1;
  optimizer_.step({how.step, result.learning_rate_factor, scale}, gradients.dense);
  how.learning_rate =
      recipe_.dense.learning_rate * recipe_.tables.learning_rate_factor * result.learning_rate_factor;
  how.gradient_scale = scale;
  update_tables(gradients, how);
  model_.update_router_biases(gradients.counts);
  return result;
}

void Trainer::update_tables(const Gradients& gradients, const RowStep& how) {
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const RowGradients& g = gradients.tables[t];
    const Tensor on_host = g.sums.to(torch::kCPU, torch::kFloat32).contiguous();
    tables_[t]->update(g.rows, {on_host.const_data_ptr<float>(), static_cast<std::size_t>(on_host.numel())},
                       how);
  }
}

Score Trainer::score(const corpus::Batch& batch) const {
  const torch::NoGradGuard no_grad;
  const std::int64_t draft_rows = model_.draft_rows(batch.rows) > 0 ? batch.rows : 0;
  const Inputs inputs = read(batch, Purpose::Kind::evaluate, draft_rows);
  const Losses losses = model_.losses(inputs);
  return {losses.token_nll.item<double>(), losses.draft_nll.item<double>(), inputs.own.scored,
          inputs.own.draft_scored};
}

std::vector<BranchNorm> Trainer::branch_norms(const corpus::Batch& batch) const {
  const torch::NoGradGuard no_grad;
  BranchNorms norms;
  model_.losses(read(batch, Purpose::Kind::evaluate, 0), norms);
  return norms.norms();
}

std::vector<KeptTensor> Trainer::kept_tensors(Parts parts) const {
  std::vector<KeptTensor> kept;
  for (const Parameter& parameter : model_.parameters()) kept.push_back({parameter.name, parameter.tensor});
  for (const Buffer& buffer : model_.buffers()) kept.push_back({buffer.name, buffer.tensor});
  if (parts == Parts::weights) return kept;
  for (const Buffer& state : optimizer_.state()) kept.push_back({"optimizer." + state.name, state.tensor});
  return kept;
}

void Trainer::save(const RunFolder& folder, const State& state) {
  State whole = state;
  whole.earlier_steps = earlier_steps_;
  write_snapshot(folder, whole, kept_tensors(Parts::all), [&](const std::filesystem::path& rows) {
    for (const auto& table : tables_) table->save(rows, state.step);
  });
  constexpr std::size_t kKept = 2;
  prune_old_rows(folder, prune_snapshots(folder, state.step, kKept));
}

// What version 1 keeps beside its snapshots: no more than those that stay need.
void Trainer::prune_old_rows(const RunFolder& folder, std::vector<std::int64_t> kept) const {
  if (!std::filesystem::exists(folder.tables())) return;
  std::erase_if(kept, [&](std::int64_t step) {
    return std::filesystem::exists(rows_folder(folder.snapshot(step), State::Rows::own));
  });
  try {
    for (const auto& table : tables_) table->prune(folder.tables(), kept);
  } catch (const Error&) {
    return;  // something of it is damaged: it stays, and what is saved now does not need it
  }
  std::error_code not_empty;
  std::filesystem::remove(folder.tables(), not_empty);
}

void Trainer::load(const std::filesystem::path& snapshot, const State& state) {
  read_tensors(snapshot, kept_tensors(Parts::all));
  for (const auto& table : tables_) table->load(rows_folder(snapshot, state.rows), state.step);
  earlier_steps_ = state.earlier_steps;
}

void Trainer::load_as_beginning(const std::filesystem::path& snapshot, const State& state) {
  load(snapshot, state);
  earlier_steps_ += state.step;
}

// One table after the other, so that little is in memory twice.
void Trainer::load_weights(const std::filesystem::path& snapshot, const State& state) {
  read_tensors(snapshot, kept_tensors(Parts::weights), Surplus::ignore);
  const recipe::Recipe theirs = recipe::parse_recipe(state.recipe, (snapshot / kStateFile).string());
  for (std::size_t t = 0; t < tables_.size(); ++t) {
    const TableSpec& spec = model_.tables()[t];
    const auto table = make_row_table(table_options(spec, theirs, scratch_));
    table->load(rows_folder(snapshot, state.rows), state.step);
    in_stretches(spec.rows, spec.width, [&](std::int64_t first, std::int64_t count) {
      std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
      std::iota(rows.begin(), rows.end(), first);
      std::vector<float> values(rows.size() * static_cast<std::size_t>(spec.width));
      table->gather(rows, values);
      tables_[t]->assign(first, values);
    });
  }
}

}  // namespace nestor::train
