// The messages and tools of a chat request: checked, and in the form that chat templates expect.
#pragma once

#include "base/json.h"

namespace nestor::serve {

/// Roles system (or developer), user, assistant and tool. Contents become texts, the arguments of tool calls
/// objects; everything else that a template might read is kept. Throws RequestError naming the place, for
/// content that is not text, too.
Json template_messages(const Json& messages);

/// Throws RequestError unless these are functions with distinct names.
Json template_tools(const Json& tools);

}  // namespace nestor::serve
