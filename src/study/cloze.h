// A task of our own making from held-out text: which of four passages goes on from here? Three of them come
// from elsewhere in the same text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nestor::study {

/// At most `questions` lines for `nestor eval --choices`, evenly from all documents: some 24 words, then
/// four continuations of 6 words. Deterministic. Fewer where the text is short; none below four passages.
std::string cloze_lines(const std::vector<std::string>& documents, std::int64_t questions);

}  // namespace nestor::study
