// Conversations of a corpus, written as the chat template of a tokenizer's folder says.
#pragma once

#include <filesystem>

#include "corpus/documents.h"

namespace nestor::app {

/// For a tokenizer.json or the folder of one. The template is read when the first conversation comes.
corpus::ConversationWriter conversation_writer(const std::filesystem::path& tokenizer);

}  // namespace nestor::app
