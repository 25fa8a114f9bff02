#include "layers/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/tile.h"

namespace nestor::layers {
namespace {

using kernels::Rows;

// Stores a record [latent, rotary key] at the last position that the row sees.
void store_record(const kernels::RecordLayout& layout, const kernels::AttendRow& row, const float* record) {
  const std::int64_t position = row.positions - 1;
  const std::int64_t in_page = position % layout.page_positions;
  std::uint8_t* page = row.pages[position / layout.page_positions];
  const kernels::MatrixView module = kernels::records_of(layout, page);
  std::uint8_t* data = page + layout.module_offset;
  switch (layout.format) {
    case kernels::Format::q8:
      // One scale for the latents: probabilities, which are multiplied with them, are then rounded once for
      // all columns.
      quant::encode_row_q8({record, static_cast<std::size_t>(layout.record)}, layout.latent,
                           in_page % quant::kBandRows, data + in_page / quant::kBandRows * module.row_bytes);
      return;
    case kernels::Format::bf16:
      for (std::int64_t i = 0; i < layout.record; ++i) {
        const std::uint16_t bits = quant::to_bf16(record[i]);
        std::memcpy(data + in_page * module.row_bytes + 2 * i, &bits, sizeof bits);
      }
      return;
    default:
      std::memcpy(data + in_page * module.row_bytes, record, static_cast<std::size_t>(module.row_bytes));
  }
}

// c = kv_a x, normalised and scaled, and its key turned: both go into the cache.
void append_records(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
                    const StepCache& cache, Rows record) {
  const auto rows = static_cast<std::int64_t>(cache.rows.size());
  kernels::rms_norm(ctx, record, rows, {w.kv_norm, s.kv_rank, s.norm_eps, s.kv_factor}, record);
  kernels::for_tiles(ctx, rows, 16 * rows * (s.kv_rank + s.rope), [&](std::int64_t t, int) {
    rotate(cache.angles, t, record.row(t) + s.kv_rank);
    store_record(cache.layout, cache.rows[static_cast<std::size_t>(t)], record.row(t));
  });
  // Keys and values are made from the latents, wherever in the computation kv_b is applied.
  kernels::show_input(ctx, {record, rows}, w.kv_b);
}

// One row for each head of each row. Rows of one head whole pages apart would compete for the same places of
// the caches.
Rows take_head_rows(kernels::Arena& arena, std::int64_t rows, std::int64_t heads, std::int64_t cols) {
  constexpr std::int64_t kPageFloats = 1024, kLineFloats = 16;
  const std::int64_t stride = heads * cols % kPageFloats == 0 ? cols + kLineFloats : cols;
  return {arena.take(rows * heads * stride), stride};
}

// Some rows of a step and some heads of them.
struct Slab {
  std::int64_t begin, end;
  std::int64_t first_head, heads;
  std::int64_t rows() const { return end - begin; }
};

// Of [rows * heads, ...] the rows of one head.
Rows of_head(Rows x, const Slab& slab, std::int64_t head) {
  return {x.row(head - slab.first_head), slab.heads * x.stride};
}

// The query of every head beside its rotary part: [rows * heads, R + P], softmax scale included. `q` is q_b
// of all rows.
void latent_queries(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
                    const RotaryAngles& angles, const Slab& slab, Rows q, Rows query) {
  const std::int64_t cost = slab.rows() * slab.heads * s.nope * s.kv_rank;
  kernels::for_tiles(ctx, slab.heads, cost, [&](std::int64_t i, int) {
    const std::int64_t head = slab.first_head + i;
    const Rows in = {q.row(slab.begin) + head * (s.nope + s.rope), q.stride};
    const Rows out = of_head(query, slab, head);
    for (std::int64_t t = 0; t < slab.rows(); ++t) {
      std::copy_n(in.row(t) + s.nope, s.rope, out.row(t) + s.kv_rank);
      rotate(angles, slab.begin + t, out.row(t) + s.kv_rank);
    }
    const auto keys = quant::row_slice(w.kv_b, head * (s.nope + s.value), s.nope);
    ctx.ops.matmul_transposed(
        {in.data, in.stride, slab.rows(), &keys, 1, out.data, out.stride, kernels::Sums::fresh}, 0,
        s.kv_rank);
  });
}

// Mixed latents [rows * heads, R] to rows of values [T, A * v].
void values_of(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
               const Slab& slab, Rows mixed, Rows values) {
  const kernels::Arena::Scope scope(ctx.arena);
  const auto inputs = ctx.arena.take_span<kernels::Input>(ctx.team.threads());
  const kernels::Forms forms = kernels::forms_of(ctx, std::array{&w.kv_b});
  for (auto& of_worker : inputs) of_worker = kernels::take_forms(ctx, {}, slab.rows(), s.kv_rank, forms);
  const std::int64_t cost = slab.rows() * slab.heads * s.value * s.kv_rank;
  kernels::for_tiles(ctx, slab.heads, cost, [&](std::int64_t i, int worker) {
    const std::int64_t head = slab.first_head + i;
    const auto up = quant::row_slice(w.kv_b, head * (s.nope + s.value) + s.nope, s.value);
    kernels::Input& in = inputs[static_cast<std::size_t>(worker)];
    in.x = of_head(mixed, slab, head);
    kernels::fill_forms(ctx, in.x, 0, s.kv_rank, in, 0, slab.rows());
    kernels::multiply_rows(ctx, in, up, {values.row(slab.begin) + head * s.value, values.stride}, 0, s.value);
  });
}

// Values of a slab, from queries [T, A * (nope + rope)].
void attend_slab(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
                 const StepCache& cache, const Slab& slab, Rows q, Rows values) {
  const kernels::Arena::Scope scope(ctx.arena);
  const Rows query = take_head_rows(ctx.arena, slab.rows(), slab.heads, s.kv_rank + s.rope);
  const Rows mixed = take_head_rows(ctx.arena, slab.rows(), slab.heads, s.kv_rank);
  latent_queries(ctx, s, w, cache.angles, slab, q, query);
  const auto seen =
      cache.rows.subspan(static_cast<std::size_t>(slab.begin), static_cast<std::size_t>(slab.rows()));
  kernels::attend(ctx, cache.layout, seen, slab.heads, query, mixed);
  values_of(ctx, s, w, slab, mixed, values);
}

// Rows of a slab at most. Latent queries and mixed latents, A * (2 R + P) floats a row, should stay in a
// cache from where they are made to where they are used, and products want many rows.
constexpr std::int64_t kSlabRows = 128;

// Slabs of a prompt are a worker's own from beginning to end: those of so many rows and heads stay in its
// second cache.
constexpr std::int64_t kOwnRows = 64, kOwnHeads = 4;

// The end of the rows from `begin` on that are of one sequence.
std::int64_t end_of_sequence(std::span<const kernels::AttendRow> rows, std::int64_t begin) {
  const auto pages = [&](std::int64_t t) { return rows[static_cast<std::size_t>(t)].pages; };
  std::int64_t end = begin + 1;
  while (end < std::ssize(rows) && pages(end) == pages(begin)) ++end;
  return end;
}

// How the rows [begin, end) of a prompt are cut.
struct OwnSlabs {
  std::int64_t begin, end, heads;

  std::int64_t of_rows() const { return (end - begin + kOwnRows - 1) / kOwnRows; }
  std::int64_t of_heads() const { return (heads + kOwnHeads - 1) / kOwnHeads; }
  std::int64_t count() const { return of_rows() * of_heads(); }
  // The last rows see most positions, and come first.
  Slab at(std::int64_t i) const {
    const std::int64_t row = begin + (of_rows() - 1 - i / of_heads()) * kOwnRows;
    const std::int64_t head = i % of_heads() * kOwnHeads;
    return {row, std::min(row + kOwnRows, end), head, std::min(kOwnHeads, heads - head)};
  }
};

// Each slab by one worker alone: nobody waits between its steps.
void attend_prompt(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
                   const StepCache& cache, const OwnSlabs& slabs, Rows q, Rows values) {
  const kernels::Arena::Scope scope(ctx.arena);
  // All are made before workers ask for theirs.
  for (int worker = 0; worker < ctx.team.threads(); ++worker) ctx.arena.of_worker(worker);
  const auto works = ctx.arena.take_span<kernels::Work>(ctx.team.threads());
  const std::int64_t cost = (slabs.end - slabs.begin) * s.heads * s.kv_rank * (s.nope + s.value);
  kernels::for_tiles(ctx, slabs.count(), cost, [&](std::int64_t i, int worker) {
    kernels::Team alone(1);
    const kernels::Context own{ctx.ops, alone, ctx.arena.of_worker(worker),
                               works[static_cast<std::size_t>(worker)]};
    attend_slab(own, s, w, cache, slabs.at(i), q, values);
  });
  for (const kernels::Work& work : works) ctx.work += work;
}

// Values [T, A * v] of all heads from queries [T, A * (nope + rope)].
void attend_in_slabs(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
                     const StepCache& cache, Rows q, Rows values) {
  const auto rows = static_cast<std::int64_t>(cache.rows.size());
  kernels::count_product(ctx, rows, w.kv_b);  // its keys times queries, its values times mixed latents
  const auto own_slabs = [&](std::int64_t begin) {
    return OwnSlabs{begin, end_of_sequence(cache.rows, begin), s.heads};
  };
  const auto worth_own = [&](const OwnSlabs& slabs) {
    return slabs.end - slabs.begin >= kOwnRows && slabs.count() >= 2 * ctx.team.threads();
  };
  for (std::int64_t begin = 0; begin < rows;) {
    const OwnSlabs slabs = own_slabs(begin);
    if (worth_own(slabs)) {
      attend_prompt(ctx, s, w, cache, slabs, q, values);
      begin = slabs.end;
      continue;
    }
    // By the team, together with what follows.
    std::int64_t end = begin;
    while (end < rows && end - begin < kSlabRows && !worth_own(own_slabs(end)))
      end = std::min(own_slabs(end).end, begin + kSlabRows);
    attend_slab(ctx, s, w, cache, {begin, end, 0, s.heads}, q, values);
    begin = end;
  }
}

// out from the product of the input with q_a, [T, q_rank], which is normalised in place.
void attend_latent(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
                   const StepCache& cache, Rows latent, Rows out) {
  const auto rows = static_cast<std::int64_t>(cache.rows.size());
  const Rows q = kernels::take_rows(ctx.arena, rows, s.heads * (s.nope + s.rope));
  const kernels::Product product{&w.q_b, q};
  const auto normed = kernels::normed_input(ctx, latent, rows, {w.q_norm, s.q_rank, s.norm_eps, s.q_factor},
                                            latent, kernels::forms_of(ctx, std::array{&w.q_b}));
  kernels::multiply(ctx, normed, {&product, 1});
  const Rows values = kernels::take_rows(ctx.arena, rows, s.heads * s.value);
  attend_in_slabs(ctx, s, w, cache, q, values);
  kernels::matmul(ctx, values, rows, w.o, out);
}

}  // namespace

AttentionShape attention_shape(const config::ModelConfig& c, const Rotary& rotary) {
  const auto hidden = static_cast<double>(c.hidden_size);
  const double q = c.mla_scale_q_lora ? std::sqrt(hidden / static_cast<double>(c.q_lora_rank)) : 1.0;
  const double kv = c.mla_scale_kv_lora ? std::sqrt(hidden / static_cast<double>(c.kv_lora_rank)) : 1.0;
  const double softmax_scale = rotary.score_factor / std::sqrt(static_cast<double>(c.qk_head_dim()));
  AttentionShape s{};
  s.hidden = c.hidden_size;
  s.heads = c.num_attention_heads;
  s.q_rank = c.q_lora_rank;
  s.kv_rank = c.kv_lora_rank;
  s.nope = c.qk_nope_head_dim;
  s.rope = c.qk_rope_head_dim;
  s.value = c.v_head_dim;
  s.norm_eps = static_cast<float>(c.latent_norm_eps);
  s.q_factor = static_cast<float>(q * softmax_scale);
  s.kv_factor = static_cast<float>(kv);
  return s;
}

void attention(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
               const StepCache& cache, const kernels::Input& x, Rows out) {
  const kernels::Arena::Scope scope(ctx.arena);
  const Rows record = kernels::take_rows(ctx.arena, x.rows, s.kv_rank + s.rope);
  const Rows latent = kernels::take_rows(ctx.arena, x.rows, s.q_rank);
  const std::array products = {kernels::Product{&w.kv_a, record}, kernels::Product{&w.q_a, latent}};
  kernels::multiply(ctx, x, products);
  append_records(ctx, s, w, cache, record);
  attend_latent(ctx, s, w, cache, latent, out);
}

void remember(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
              const StepCache& cache, const kernels::Input& x) {
  const kernels::Arena::Scope scope(ctx.arena);
  const kernels::Product record{&w.kv_a, kernels::take_rows(ctx.arena, x.rows, s.kv_rank + s.rope)};
  kernels::multiply(ctx, x, {&record, 1});
  append_records(ctx, s, w, cache, record.y);
}

void recall(const kernels::Context& ctx, const AttentionShape& s, const AttentionWeights& w,
            const StepCache& cache, const kernels::Input& x, Rows out) {
  const kernels::Arena::Scope scope(ctx.arena);
  const kernels::Product latent{&w.q_a, kernels::take_rows(ctx.arena, x.rows, s.q_rank)};
  kernels::multiply(ctx, x, {&latent, 1});
  attend_latent(ctx, s, w, cache, latent.y, out);
}

}  // namespace nestor::layers
