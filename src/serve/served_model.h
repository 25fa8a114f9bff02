// The model as the server shows it, apart from what computes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "assemble/chat_format.h"
#include "serve/api/generation_settings.h"
#include "tokenizer/tokenizer.h"

namespace nestor::serve {

struct ServedModel {
  std::vector<std::string> names;  // at least one; answers say the first
  tokenizer::Tokenizer tokenizer;
  assemble::ChatFormat chat;
  GenerationDefaults defaults;
  std::string quantization;     // of the weights: "bf16"
  std::int64_t parameters = 0;  // 0: not known
  std::int64_t created = 0;     // seconds since 1970
};

}  // namespace nestor::serve
