#include "train/loop/heldout.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "corpus/documents.h"
#include "corpus/sources.h"

namespace nestor::train {
namespace {

constexpr std::int32_t kUnscored = -1;

std::int64_t bytes_of(const tokenizer::Tokenizer& tokenizer, TokenId id) {
  return tokenizer.is_special(id) ? 0 : static_cast<std::int64_t>(tokenizer.bytes_of(id).size());
}

// What follows the end of a document is not to be guessed.
bool is_scored(const HeldoutText& text, std::size_t at) {
  return text.documents[at + 1] == text.documents[at];
}

struct Window {
  std::int64_t first = 0, length = 0;
};

// The last window is as long as what is left; a token without a successor starts none.
std::vector<Window> windows_of(const HeldoutText& text, std::int64_t window) {
  std::vector<Window> windows;
  const auto scored = static_cast<std::int64_t>(text.ids.size()) - 1;
  for (std::int64_t first = 0; first < scored; first += window) {
    windows.push_back({first, std::min(window, scored - first)});
  }
  return windows;
}

// Windows of one length as the rows of a batch.
corpus::Batch batch_of(const HeldoutText& text, std::span<const Window> windows) {
  corpus::Batch batch;
  batch.rows = static_cast<std::int64_t>(windows.size());
  batch.window = windows.front().length;
  for (const Window& w : windows) {
    std::int64_t start = w.first;  // of the document that a position is in
    for (std::int64_t i = w.first; i < w.first + w.length; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (text.documents[at] != text.documents[static_cast<std::size_t>(start)]) start = i;
      batch.ids.push_back(text.ids[at]);
      batch.targets.push_back(is_scored(text, at) ? text.ids[at + 1] : kUnscored);
      const bool has_second = is_scored(text, at) && at + 2 < text.ids.size() && is_scored(text, at + 1);
      batch.second_targets.push_back(has_second ? text.ids[at + 2] : kUnscored);
      batch.segments.push_back(text.documents[at] - text.documents[static_cast<std::size_t>(w.first)]);
      batch.positions.push_back(static_cast<std::int32_t>(i - start));
    }
  }
  return batch;
}

}  // namespace

HeldoutText heldout_of_text(const std::string& source, const tokenizer::Tokenizer& tokenizer,
                            const corpus::ConversationWriter& conversations, std::int64_t most,
                            const std::stop_token& stop) {
  corpus::ReadOptions reading;
  reading.conversations = conversations;
  reading.max_document_bytes = corpus::kMostDocumentBytes;
  HeldoutText text;
  std::int32_t number = 0;
  for (const corpus::SourceFile& file : corpus::list_sources({&source, 1}, corpus::FormatChoice::by_name)) {
    corpus::DocumentReader reader(file, reading, stop);
    for (corpus::Document document; reader.next(document); ++number) {
      for (const TokenId id : tokenizer.encode(document.text, tokenizer::PostProcess::omit,
                                               tokenizer::ControlTokens::nowhere())) {
        if (static_cast<std::int64_t>(text.ids.size()) >= most) return text;
        text.ids.push_back(id);
        text.documents.push_back(number);
        text.bytes.push_back(bytes_of(tokenizer, id));
      }
    }
  }
  return text;
}

HeldoutText heldout_of_shards(const corpus::Shards& shards, const tokenizer::Tokenizer& tokenizer,
                              std::int64_t most) {
  HeldoutText text;
  text.ids.resize(static_cast<std::size_t>(std::min(shards.tokens(), most)));
  shards.read(0, text.ids);
  std::int64_t document = 0;
  for (std::size_t i = 0; i < text.ids.size(); ++i) {
    while (document + 1 < shards.documents() &&
           shards.document_start(document + 1) <= static_cast<std::int64_t>(i)) {
      ++document;
    }
    text.documents.push_back(static_cast<std::int32_t>(document));
    text.bytes.push_back(bytes_of(tokenizer, text.ids[i]));
  }
  return text;
}

std::optional<EvaluationReport> evaluate(const std::vector<HeldoutText>& texts, std::int64_t window,
                                         std::int64_t rows,
                                         const std::function<Score(const corpus::Batch&)>& score,
                                         const std::stop_token& stop) {
  Score sum;
  std::int64_t bytes = 0;
  for (const HeldoutText& text : texts) {
    const std::vector<Window> windows = windows_of(text, window);
    for (std::size_t first = 0; first < windows.size();) {
      if (stop.stop_requested()) return std::nullopt;
      std::size_t end = first + 1;
      while (end < windows.size() && end - first < static_cast<std::size_t>(rows) &&
             windows[end].length == windows[first].length) {
        ++end;
      }
      const Score part = score(batch_of(text, std::span(windows).subspan(first, end - first)));
      sum.nll += part.nll;
      sum.draft_nll += part.draft_nll;
      sum.scored += part.scored;
      sum.draft_scored += part.draft_scored;
      first = end;
    }
    for (std::size_t i = 1; i < text.bytes.size(); ++i) bytes += is_scored(text, i - 1) ? text.bytes[i] : 0;
  }
  EvaluationReport report;
  report.tokens = sum.scored;
  const auto mean = [](double total, std::int64_t n) { return n > 0 ? total / static_cast<double>(n) : 0; };
  report.nll_per_token = mean(sum.nll, sum.scored);
  report.draft_nll_per_token = mean(sum.draft_nll, sum.draft_scored);
  report.bits_per_byte = bytes > 0 ? sum.nll / std::numbers::ln2 / static_cast<double>(bytes) : 0;
  return report;
}

}  // namespace nestor::train
