// Text from outside as it may reach a terminal or a log.
#pragma once

#include <string>
#include <string_view>

namespace nestor {

/// Control characters (of C1 as well, and line ends) and invalid bytes escaped. in_quotes() gives no others.
std::string printable(std::string_view text);

/// The same; of a text with more bytes than `most` the beginning and the end: of a message that repeats what
/// it has read, which may be a number of any length.
std::string printable_ends(std::string_view text, std::size_t most);

}  // namespace nestor
