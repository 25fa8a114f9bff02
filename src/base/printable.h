// Text from outside as it may reach a terminal or a log.
#pragma once

#include <string>
#include <string_view>

namespace nestor {

/// Control characters (of C1 as well, and line ends) and invalid bytes escaped. in_quotes() gives no others.
std::string printable(std::string_view text);

}  // namespace nestor
