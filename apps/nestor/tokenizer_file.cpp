#include "tokenizer_file.h"

#include "arguments.h"

namespace nestor::app {

tokenizer::Tokenizer open_tokenizer(const std::string& model) {
  const std::filesystem::path path = resolve_model(model);
  std::error_code error;
  return tokenizer::Tokenizer::load(std::filesystem::is_directory(path, error) ? path / "tokenizer.json"
                                                                               : path);
}

}  // namespace nestor::app
