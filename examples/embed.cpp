// Continues a prompt: embed MODEL PROMPT.
#include <cstdio>

#include "assemble/open.h"
#include "base/error.h"

int main(int count, char** words) {
  if (count != 3) return std::fprintf(stderr, "usage: embed MODEL PROMPT\n"), 2;
  try {
    auto model = nestor::assemble::open(words[1]);
    nestor::assemble::TextOptions how = {.sampling = model.defaults().sampling, .max_tokens = 60};
    how.sampling.seed = 7;
    model.generate(words[2], how, [](std::string_view piece) {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
    });
    std::puts("");
  } catch (const nestor::Error& error) {
    return std::fprintf(stderr, "embed: %s\n", error.what()), 1;
  }
}
