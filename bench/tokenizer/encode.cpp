// Encodes a text file again and again on one thread. The last line is JSON.
//   bench_tokenizer_encode TOKENIZER.json TEXT [SECONDS]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "tokenizer/tokenizer.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace nestor::tokenizer;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void measure(const char* tokenizer_path, const char* text_path, double budget) {
  const auto load_start = Clock::now();
  const Tokenizer tokenizer = Tokenizer::load(tokenizer_path);
  const double load = seconds_since(load_start);
  const std::string text = nestor::read_file(text_path, Tokenizer::kMaxTextBytes);
  std::vector<double> rates;
  std::size_t tokens = 0;
  const auto start = Clock::now();
  do {
    const auto run = Clock::now();
    tokens = tokenizer.encode(text, PostProcess::omit, ControlTokens::everywhere()).size();
    rates.push_back(static_cast<double>(text.size()) / 1e6 / seconds_since(run));
  } while (seconds_since(start) < budget);
  std::sort(rates.begin(), rates.end());
  fmt::print(
      R"({{"mb_per_s": {:.2f}, "best_mb_per_s": {:.2f}, "runs": {}, "tokens": {}, "bytes": {}, "load_s": {:.3f}}})"
      "\n",
      rates[rates.size() / 2], rates.back(), rates.size(), tokens, text.size(), load);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: {} TOKENIZER.json TEXT [SECONDS]\n", argv[0]);
    return 2;
  }
  try {
    measure(argv[1], argv[2], argc > 3 ? std::atof(argv[3]) : 3.0);
  } catch (const nestor::Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
  return 0;
}
