// Additions of Unicode 15, 15.1 and 16, for libraries whose tables are older: Debian 12 has Oniguruma with
// Unicode 14, the reference has 16.
#pragma once

#include <string>
#include <string_view>

namespace nestor::tokenizer {

/// The characters that came to a general category ("Lu", "L") or to the script "Han", as they stand in the
/// brackets of a pattern: "\\x{1C89}\\x{10D50}-\\x{10D65}". Empty for a category without any, and for
/// whatever else.
std::string additions_to(std::string_view category);

}  // namespace nestor::tokenizer
