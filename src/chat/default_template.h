// The chat template for checkpoints that bring none.
#pragma once

#include <string_view>

namespace nestor::chat {

/// LongCat's format with control tokens, as a template source:
///   <longcat_system>S<longcat_user>U<longcat_assistant>A</longcat_s><longcat_user>...
/// No line breaks between the parts, the end token only after assistant turns, nothing in front. Tools are
/// listed in the system part, one JSON object a line; calls are <longcat_tool_call> blocks in the XML form;
/// results of one round follow one <longcat_observation>. Variables: messages, tools, add_generation_prompt.
std::string_view default_template();

}  // namespace nestor::chat
