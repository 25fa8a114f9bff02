#include "serve/id_source.h"

#include <fmt/format.h>

#include <random>

#include "base/random.h"

namespace nestor::serve {

IdSource::IdSource() {
  std::random_device device;
  key_ = (std::uint64_t{device()} << 32) | device();
}

std::string IdSource::next(std::string_view prefix) {
  const auto r = philox(key_, count_++, 0);
  return fmt::format("{}{:08x}{:08x}{:08x}", prefix, r[0], r[1], r[2]);
}

std::uint64_t IdSource::seed() {
  const auto r = philox(key_, count_++, 1);
  return (std::uint64_t{r[0]} << 32) | r[1];
}

}  // namespace nestor::serve
