// The prompt of a chat request.
#pragma once

#include <vector>

#include "chat/answer_parser.h"
#include "serve/api/chat_request.h"
#include "serve/routes/backend.h"

namespace nestor::serve {

struct ChatPrompt {
  std::vector<TokenId> ids;
  chat::AnswerParser::Begins begins = chat::AnswerParser::Begins::in_content;
};

/// Renders the conversation, which has to fit the context. What the template leaves out although it matters
/// (tools that may be called, results of tools) is refused. Throws RequestError.
ChatPrompt chat_prompt(const Backend& backend, const ChatRequest& request);

}  // namespace nestor::serve
