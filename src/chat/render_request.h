// The JSON form of one rendering: what the `template` command and the tests read.
#pragma once

#include <string_view>

#include "chat/template.h"

namespace nestor::chat {

struct RenderRequest {
  Variables variables;
  LocalTime now;
};

/// Every key is a variable, except `now`, the clock ("2026-03-09T14:05:07"). Absent: `messages` is an empty
/// list, `tools` and `documents` are none, `add_generation_prompt` is false, `now` is `clock`. bos_token and
/// eos_token count as written by the template. Fails with Error(bad_input).
RenderRequest parse_render_request(const Json& input, const LocalTime& clock);

}  // namespace nestor::chat
