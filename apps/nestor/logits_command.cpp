// nestor logits: the logits of every position of a sequence, as a NumPy file.
#include <array>

#include "arguments.h"
#include "base/error.h"
#include "base/file.h"
#include "interrupt.h"
#include "lm/finite_logits.h"
#include "lm/sequence.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::string ids;
  std::string out;
  std::int64_t chunk = 512;
};

// The header of a little-endian float32 array [rows, cols] in .npy format 1.0, padded to a multiple of 64
// bytes.
std::string npy_header(std::int64_t rows, std::int64_t cols) {
  constexpr std::size_t kPrefix = 10;
  constexpr std::size_t kAlign = 64;
  std::string dictionary =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, cols);
  dictionary.append((kAlign - (kPrefix + dictionary.size() + 1) % kAlign) % kAlign, ' ');
  dictionary += '\n';
  const auto length = static_cast<unsigned>(dictionary.size());
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(length & 255);
  header += static_cast<char>(length >> 8);
  return header + dictionary;
}

int execute(const Options& o, const assemble::OpenOptions& engine) {
  const std::vector<TokenId> ids = parse_ids(o.ids);
  if (ids.empty()) fail(ErrorKind::usage, "--ids: expected at least one token id");
  const auto model = assemble::open(resolve_model(o.model), engine).take_model();
  if (std::ssize(ids) > model->info().context_limit) {
    fail(ErrorKind::limit, "--ids: {} tokens do not fit the context of {}", ids.size(),
         model->info().context_limit);
  }
  OutputFile file(o.out);
  file.write(npy_header(static_cast<std::int64_t>(ids.size()), model->info().vocab_size));
  const InterruptScope interrupt;
  TerminalProgress progress("tokens", 1);
  const lm::Sequence sequence(*model);
  for (std::size_t at = 0; at < ids.size();) {
    const std::size_t n = std::min(static_cast<std::size_t>(o.chunk), ids.size() - at);
    const std::array<lm::Chunk, 1> batch = {
        lm::Chunk{sequence.id(), std::span(ids).subspan(at, n), static_cast<std::int64_t>(n)}};
    const lm::Logits logits = model->forward(batch);
    lm::check_finite(logits);
    for (std::int64_t i = 0; i < logits.rows(); ++i) file.write(std::as_bytes(logits.row(i)));
    at += n;
    progress.advance("logits", at, ids.size());
    if (interrupt.stop().stop_requested())
      fail(ErrorKind::cancelled, "interrupted; {} was not written", o.out);
  }
  file.commit();
  return 0;
}

}  // namespace

Command logits_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("logits", "Write the logits of every position to a NumPy file");
  add_model(*app, o->model);
  app->add_option("--ids", o->ids, "Token ids, e.g. \"1 2 3\"")->required()->option_text("IDS");
  app->add_option("--out", o->out, "The file to write: float32 [T, V]")->required()->option_text("FILE.npy");
  app->add_option("--chunk", o->chunk, "Tokens in one forward pass (default 512); the result is the same")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
      ->option_text("N");
  app->footer(
      "Examples:\n  nestor logits --ids \"63 1883 601\" --out logits.npy\n"
      "  nestor logits MODEL --ids \"1 2 3\" --out a.npy --kernels reference --dtype f32 --chunk 1");
  return {app, [o, &engine] { return execute(*o, engine); }, engine_options()};
}

}  // namespace nestor::app
