#include "chat/render_request.h"

namespace nestor::chat {

RenderRequest parse_render_request(const Json& input, const LocalTime& clock) {
  if (!input.is_object()) {
    fail(ErrorKind::bad_input, "expected an object with `messages` and other variables, found {}",
         kind_of(input));
  }
  RenderRequest request{{}, clock};
  const auto absent = [&](const char* name, Json value) {
    if (!input.contains(name)) request.variables.push_back({name, std::move(value), Origin::input});
  };
  absent("messages", Json::array());
  absent("tools", nullptr);
  absent("documents", nullptr);
  absent("add_generation_prompt", false);
  for (const auto& [name, value] : input.items()) {
    if (name == "now") {
      if (!value.is_string()) fail(ErrorKind::bad_input, "`now` must be a string, not {}", kind_of(value));
      request.now = LocalTime::parse(value.get_ref<const std::string&>());
    } else {
      const bool control_token = name == "bos_token" || name == "eos_token";
      request.variables.push_back({name, value, control_token ? Origin::template_text : Origin::input});
    }
  }
  return request;
}

}  // namespace nestor::chat
