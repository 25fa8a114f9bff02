// Any bytes as a corpus.json: refused, or a manifest that survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "corpus/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor::corpus;
  Manifest manifest;
  try {
    manifest = parse_manifest({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const nestor::Error& error) {
    if (error.kind() != nestor::ErrorKind::bad_input && error.kind() != nestor::ErrorKind::unsupported)
      std::abort();
    return 0;
  }
  for (const SplitSummary& split : {manifest.train, manifest.heldout}) {
    if (split.documents > split.tokens || split.tokens > kMaxTokens) std::abort();
    // What a reader multiplies and divides by.
    if (split.tokens * manifest.id_bytes < 0 || split.documents * 8 < 0) std::abort();
    if (split.tokens / manifest.tokens_per_file >= kMaxFilesPerSplit) std::abort();
  }
  if (manifest.eos < 0 || manifest.eos >= manifest.vocab_size) std::abort();
  if (!(parse_manifest(nestor::to_text(to_json(manifest)), "again") == manifest)) std::abort();
  return 0;
}
