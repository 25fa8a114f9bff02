// The tokenizer that MODEL names.
#pragma once

#include <string>

#include "tokenizer/tokenizer.h"

namespace nestor::app {

/// MODEL is a checkpoint folder, a tokenizer.json, or empty for the bundled model.
tokenizer::Tokenizer open_tokenizer(const std::string& model);

}  // namespace nestor::app
