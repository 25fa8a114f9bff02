// The operations of training against chains of torch's own, forward and backward, in turns in one process.
//   build/release/bin/bench_train_ops [threads]
// Milliseconds are processor time of the whole process over the number of threads (other work on the machine
// does not count), the best of some rounds.
// Prints without fmt: torch's headers bring another version of it.
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "train/ops/ops.h"

namespace {

using torch::Tensor;
namespace ops = nestor::train::ops;
using ops::Products;
using Call = std::function<Tensor()>;

constexpr int kRounds = 5;
constexpr std::int64_t kTokens = 2048, kHidden = 256, kLength = 256, kHeads = 8, kHeadWidth = 40,
                       kValueWidth = 32;
constexpr std::int64_t kVocabulary = 8192, kExperts = 32, kIdentity = 8, kInner = 96, kPicks = 4,
                       kFeedForward = 768;

double processor_ms() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
}

struct Case {
  std::string name;
  Call fast, plain;
};

double once(const Call& call, const std::vector<Tensor>& leaves) {
  const double start = processor_ms();
  const Tensor out = call();
  out.backward(torch::ones_like(out));
  const double ms = processor_ms() - start;
  for (const Tensor& leaf : leaves) leaf.mutable_grad() = Tensor();
  return ms / at::get_num_threads();
}

std::string measured(const Case& one, const std::vector<Tensor>& leaves) {
  double fast = std::numeric_limits<double>::infinity(), plain = fast;
  for (int round = 0; round <= kRounds; ++round) {
    const double a = once(one.fast, leaves), b = once(one.plain, leaves);
    if (round == 0) continue;  // the first one builds primitives
    fast = std::min(fast, a);
    plain = std::min(plain, b);
  }
  std::printf("%-32s %8.2f ms, plain %8.2f ms\n", one.name.c_str(), fast, plain);
  std::array<char, 64> numbers{};
  std::snprintf(numbers.data(), numbers.size(), "[%.2f,%.2f]", fast, plain);
  return "\"" + one.name + "\":" + numbers.data();
}

/// torch's fused attention with the same mask, for comparison beside the plain one.
Tensor torch_attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale) {
  const auto out =
      at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), {}, 0.0,
                                       /*is_causal=*/true, scale);
  return out.transpose(1, 2).contiguous();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) at::set_num_threads(std::atoi(argv[1]));
  torch::manual_seed(1);
  std::vector<Tensor> leaves;
  const auto leaf = [&](at::IntArrayRef shape, double factor) {
    leaves.push_back((torch::randn(shape) * factor).set_requires_grad(true));
    return leaves.back();
  };
  const std::int64_t rows = kTokens / kLength;
  const Tensor x = leaf({kTokens, kHidden}, 1), norm = leaf({kHidden}, 1);
  const Tensor gate = leaf({kTokens, kFeedForward}, 1), up = leaf({kTokens, kFeedForward}, 1);
  const Tensor wide = leaf({kFeedForward, kHidden}, 0.06), head = leaf({kVocabulary, kHidden}, 0.06);
  const Tensor q = leaf({rows, kLength, kHeads, kHeadWidth}, 1),
               k = leaf({rows, kLength, kHeads, kHeadWidth}, 1);
  const Tensor v = leaf({rows, kLength, kHeads, kValueWidth}, 1), turn = leaf({kTokens, kHeads, 16}, 1);
  const Tensor gate_up = leaf({kExperts, 2 * kInner, kHidden}, 0.06),
               down = leaf({kExperts, kHidden, kInner}, 0.1);
  const Tensor logits = leaf({kTokens, kExperts + kIdentity}, 1), table = leaf({3000, kHidden}, 1);
  const Tensor segment = torch::zeros({rows, kLength}, torch::kInt32),
               bias = torch::zeros({kExperts + kIdentity});
  const Tensor targets = torch::randint(kVocabulary, {kTokens}, torch::kInt64),
               angle = torch::randn({kTokens, 8});
  const Tensor index = torch::randint(3000, {kTokens}, torch::kInt32), cos = angle.cos(), sin = angle.sin();
  ops::Picks picks = ops::plain::route(logits, bias, kPicks, 1).picks;
  picks.weight = picks.weight.detach().set_requires_grad(true);
  leaves.push_back(picks.weight);

  std::vector<Case> cases = {
      {"rms_norm", [&] { return ops::rms_norm(x, norm, 1e-5); },
       [&] { return ops::plain::rms_norm(x, norm, 1e-5); }},
      {"swiglu", [&] { return ops::swiglu(gate, up); }, [&] { return ops::plain::swiglu(gate, up); }},
      {"rotate", [&] { return ops::rotate(turn, cos, sin); },
       [&] { return ops::plain::rotate(turn, cos, sin); }},
      {"gather_rows", [&] { return ops::gather_rows(table, index); },
       [&] { return ops::plain::gather_rows(table, index); }},
      {"route", [&] { return ops::route(logits, bias, kPicks, 1).picks.weight; },
       [&] { return ops::plain::route(logits, bias, kPicks, 1).picks.weight; }},
      {"attention, torch's fused as plain",
       [&] { return ops::attention(q, k, v, segment, 0.16, Products::f32); },
       [&] { return torch_attention(q, k, v, 0.16); }},
  };
  for (const auto& [suffix, p] : {std::pair{"f32", Products::f32}, std::pair{"bf16", Products::bf16}}) {
    const auto add = [&](const char* name, Call fast, Call plain) {
      cases.push_back({std::string(name) + " " + suffix, std::move(fast), std::move(plain)});
    };
    add(
        "linear", [&, p = p] { return ops::linear(x, wide, p); },
        [&, p = p] { return ops::plain::linear(x, wide, p); });
    add(
        "attention", [&, p = p] { return ops::attention(q, k, v, segment, 0.16, p); },
        [&, p = p] { return ops::plain::attention(q, k, v, segment, 0.16, p); });
    add(
        "experts", [&, p = p] { return ops::experts(x, gate_up, down, picks, p); },
        [&, p = p] { return ops::plain::experts(x, gate_up, down, picks, p); });
    add(
        "linear_cross_entropy", [&, p = p] { return ops::linear_cross_entropy(x, head, targets, p); },
        [&, p = p] { return ops::plain::linear_cross_entropy(x, head, targets, p); });
  }
  std::string json;
  for (const Case& one : cases) json += (json.empty() ? "" : ",") + measured(one, leaves);
  std::printf("{\"bench\":\"train_ops\",\"threads\":%d,\"ms_fast_plain\":{%s}}\n", at::get_num_threads(),
              json.c_str());
}
