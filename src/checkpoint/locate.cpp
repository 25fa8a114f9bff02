#include "checkpoint/locate.h"

namespace nestor::checkpoint {

Located locate(const Checkpoint& checkpoint, const std::string& name, config::Storage storage) {
  if (const StoredTensor* tensor = checkpoint.find(name); tensor != nullptr)
    return {name, tensor, std::nullopt};
  for (const quant::Encoding& encoding : config::encodings_of(storage)) {
    const std::string stored = name + quant::suffix_of(encoding);
    if (const StoredTensor* tensor = checkpoint.find(stored); tensor != nullptr)
      return {stored, tensor, encoding};
  }
  return {name, nullptr, std::nullopt};
}

bool holds(const Checkpoint& checkpoint, std::string_view name, config::Storage storage) {
  return locate(checkpoint, std::string(name), storage).tensor != nullptr;
}

}  // namespace nestor::checkpoint
