#include "base/checked_json.h"

#include "base/crc32c.h"
#include "base/error.h"

namespace nestor {
namespace {

constexpr const char* kKey = "checksum";

std::string checksum_of(const Json& object) { return fmt::format("{:08x}", crc32c(to_text(object))); }

}  // namespace

Json with_checksum(Json object) {
  const std::string sum = checksum_of(object);
  object[kKey] = sum;
  return object;
}

void take_checksum(Json& object, std::string_view what, std::string_view advice) {
  const Json found = object.is_object() ? object.value(kKey, Json()) : Json();
  if (!found.is_null()) object.erase(kKey);
  if (found == checksum_of(object)) return;
  fail(ErrorKind::bad_input, "{}: damaged, its checksum is wrong{}{}", what, advice.empty() ? "" : "; ",
       advice);
}

}  // namespace nestor
