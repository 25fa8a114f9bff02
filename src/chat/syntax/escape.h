// HTML escapes: the filters `e` and `escape`.
#pragma once

#include "chat/values/text.h"

namespace nestor::chat {

/// The text with & < > " ' as entities, marked as escaped; text that is escaped already stays as it is.
Text html_escaped(const Text& text);

}  // namespace nestor::chat
