#include "model/drafting.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::model {
namespace {

// Sequences that are remembered at a time.
constexpr std::size_t kMostSequences = 64;

void append_rows(std::vector<float>& to, kernels::Rows from, std::int64_t rows, std::int64_t cols) {
  for (std::int64_t t = 0; t < rows; ++t) to.insert(to.end(), from.row(t), from.row(t) + cols);
}

void drop_front(std::vector<float>& values, std::int64_t count) {
  values.erase(values.begin(), values.begin() + count);
}

}  // namespace

Drafting::Drafting(std::int64_t hidden, std::int64_t order, Embedding embedding,
                   const kernels::RecordLayout& records)
    : hidden_(hidden),
      order_(order),
      embedding_(embedding),
      records_(records),
      pool_(kernels::module_bytes(records), lm::Memory::unlimited) {}

void Drafting::keep(lm::SequenceId sequence, std::int64_t length, std::int64_t rows, kernels::Rows embedded,
                    kernels::Rows hidden) {
  State& s = states_[sequence];
  s.used = ++clock_;
  s.supposed.clear();
  s.supposed_embedded.clear();
  if (s.length != length - rows) {
    s.hidden.clear();
    s.embedded.clear();
    s.first = length - rows;
  }
  s.length = length;
  append_rows(s.hidden, hidden, rows, hidden_);
  append_rows(s.embedded, embedded, rows, hidden_);
  if (const std::int64_t before = length - s.first - kWindow; before > 0) {
    drop_front(s.hidden, before * hidden_);
    drop_front(s.embedded, before * hidden_);
    s.first += before;
  }
  if (states_.size() > kMostSequences) drop_oldest();
}

void Drafting::forget(lm::SequenceId sequence) {
  const auto at = states_.find(sequence);
  if (at == states_.end()) return;
  release_pages(at->second);
  states_.erase(at);
}

void Drafting::drop_oldest() {
  const auto older = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
  forget(std::ranges::min_element(states_, older)->first);
}

void Drafting::truncate(lm::SequenceId sequence, std::int64_t length) {
  const auto at = states_.find(sequence);
  if (at == states_.end()) return;
  State& s = at->second;
  s.supposed.clear();
  s.supposed_embedded.clear();
  if (length >= s.length) return;
  if (length <= s.first) return forget(sequence);
  s.length = length;
  s.hidden.resize(static_cast<std::size_t>((length - s.first) * hidden_));
  s.embedded.resize(s.hidden.size());
}

void Drafting::fork(lm::SequenceId from, lm::SequenceId to, std::int64_t length) {
  forget(to);
  const auto at = states_.find(from);
  if (at == states_.end() || length <= at->second.first || length > at->second.length) return;
  const State& s = at->second;
  const auto values = (length - s.first) * hidden_;
  State& forked = states_[to];
  forked.first = s.first;
  forked.length = length;
  forked.hidden.assign(s.hidden.begin(), s.hidden.begin() + values);
  forked.embedded.assign(s.embedded.begin(), s.embedded.begin() + values);
  forked.used = ++clock_;
  if (states_.size() > kMostSequences) drop_oldest();
}

bool Drafting::ready(lm::SequenceId sequence, std::int64_t length) const {
  const auto at = states_.find(sequence);
  if (at == states_.end() || at->second.length != length) return false;
  return at->second.first < length || !at->second.supposed.empty();
}

std::span<const float> Drafting::embedded(lm::SequenceId sequence, std::int64_t length,
                                          std::span<const TokenId> ids) const {
  const auto at = states_.find(sequence);
  // The first n-grams of a text are others for the block.
  if (embedding_ == Embedding::own || at == states_.end() || at->second.length != length || length < order_)
    return {};
  const State& s = at->second;
  const auto same = std::ranges::mismatch(s.supposed, ids).in1 - s.supposed.begin();
  return std::span(s.supposed_embedded).first(static_cast<std::size_t>(same * hidden_));
}

void Drafting::release_pages(State& state) {
  for (const PagePool::PageId page : state.pages) pool_.release(page);
  state.pages.clear();
  state.page_data.clear();
}

void Drafting::make_room(State& state, std::int64_t records) {
  while (std::ssize(state.pages) * records_.page_positions < records) {
    state.pages.reserve(state.pages.size() + 1);
    state.page_data.reserve(state.page_data.size() + 1);
    state.pages.push_back(pool_.allocate());
    state.page_data.push_back(pool_.data(state.pages.back()));
  }
}

void Drafting::begin(const lm::Supposed& token, std::span<const TokenId> history, Part& part) {
  const std::int64_t length = std::ssize(history);
  if (!ready(token.sequence, length)) {
    fail(ErrorKind::usage, "nothing is known of the end of the sequence: expected a forward() that keeps it");
  }
  State& s = states_.at(token.sequence);
  part.state = &s;
  s.used = ++clock_;
  s.supposed.push_back(token.id);
  if (s.supposed.size() == 1) {
    if (s.recorded != s.first || s.pages.empty()) {  // what lies between is not known: begin here
      release_pages(s);
      s.base = s.recorded = s.first;
    }
    part.first = s.first;
    part.rows = length - s.first;
  } else {
    part.first = length + std::ssize(s.supposed) - 2;
    part.rows = 1;
  }
  make_room(s, part.first + part.rows - s.base);
  // The block sees the token after each of its positions. The first token of a text takes part in nothing
  // that it sees.
  const bool all_unknown = embedding_ == Embedding::own || part.first + 1 < order_;
  part.unknown = all_unknown ? part.rows : 1;
  const std::int64_t first_unknown = part.first + part.rows + 1 - part.unknown;
  const std::int64_t from = std::min(length, std::max<std::int64_t>(1, first_unknown - (order_ - 1)));
  part.history.assign(history.begin() + from, history.end());
  const std::int64_t skipped = std::max<std::int64_t>(0, first_unknown - (order_ - 1) - length);
  part.history.insert(part.history.end(), s.supposed.begin() + skipped, s.supposed.end());
}

void Drafting::fill(const kernels::Context& ctx, const Model& model, Inputs& in) {
  std::int64_t rows = 0, unknown = 0;
  lookup_.clear();
  in.rows.clear();
  in.positions.clear();
  for (const Part& part : parts_) {
    lookup_.add(part.history, part.history.size() - static_cast<std::size_t>(part.unknown));
    for (std::int64_t i = part.first; i < part.first + part.rows; ++i) {
      in.rows.push_back({part.state->page_data.data(), i - part.state->base + 1});
      in.positions.push_back(i);
    }
    rows += part.rows;
    unknown += part.unknown;
  }
  in.embedding = kernels::take_rows(ctx.arena, rows, hidden_);
  in.hidden = kernels::take_rows(ctx.arena, rows, hidden_);
  const kernels::Rows computed = kernels::take_rows(ctx.arena, unknown, hidden_);
  model.embedding.embed(ctx, lookup_, computed);
  if (model.embedding_norm && embedding_ == Embedding::of_target)
    kernels::layer_norm(ctx, computed, unknown, *model.embedding_norm, hidden_, model.norm_eps, computed);

  std::int64_t row = 0, next_computed = 0;
  for (const Part& part : parts_) {
    const State& s = *part.state;
    for (std::int64_t t = 0; t < part.rows; ++t, ++row) {
      const bool known = t < part.rows - part.unknown;
      std::copy_n(known ? s.embedded.data() + (t + 1) * hidden_ : computed.row(next_computed++), hidden_,
                  in.embedding.row(row));
      std::copy_n(s.supposed.size() == 1 ? s.hidden.data() + t * hidden_ : s.z.data(), hidden_,
                  in.hidden.row(row));
    }
  }
}

void Drafting::finish(const Part& part, kernels::Rows embedding, const float* z) {
  State& s = *part.state;
  s.z.assign(z, z + hidden_);
  append_rows(s.supposed_embedded, embedding, 1, hidden_);
  if (s.supposed.size() != 1) return;
  s.first = s.recorded = s.length;
  s.hidden.clear();
  s.embedded.clear();
}

void Drafting::guess(const kernels::Context& ctx, const Model& model, std::span<const lm::Supposed> tokens,
                     const lm::LanguageModel& histories, kernels::Rows z) {
  const kernels::Arena::Scope scope(ctx.arena);
  try {
    parts_.resize(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i)
      begin(tokens[i], histories.history(tokens[i].sequence), parts_[i]);
    fill(ctx, model, inputs_);
    const auto rows = static_cast<std::int64_t>(inputs_.rows.size());
    const kernels::Rows out = kernels::take_rows(ctx.arena, rows, hidden_);
    const layers::RotaryAngles angles(ctx.arena, model.rotary, inputs_.positions);
    layers::draft_block(ctx, model.attention, model.norm_eps, model.block, {records_, inputs_.rows, angles},
                        inputs_.embedding, inputs_.hidden, out);
    std::int64_t last = -1;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      last += parts_[i].rows;
      finish(parts_[i], {inputs_.embedding.row(last), inputs_.embedding.stride}, out.row(last));
      std::copy_n(out.row(last), hidden_, z.row(static_cast<std::int64_t>(i)));
    }
  } catch (...) {
    for (const lm::Supposed& token : tokens) forget(token.sequence);
    throw;
  }
}

}  // namespace nestor::model
