#include "tokenizer/count_pieces.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace nestor::tokenizer {
namespace {

void check_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (!c.valid) fail(ErrorKind::bad_input, "the text is not valid UTF-8 at byte {}", i);
    i += c.length;
  }
}

}  // namespace

class PieceCounter::Tally : public PieceSink {
 public:
  Tally(Counts& counts, std::uint64_t& bytes, std::uint64_t max_bytes)
      : counts_(counts), bytes_(bytes), max_bytes_(max_bytes) {}

  void take(std::string_view piece) override {
    if (const auto known = counts_.find(piece); known != counts_.end()) {
      known->second += weight_;
      return;
    }
    bytes_ += piece.size();
    if (bytes_ > max_bytes_) {
      fail(ErrorKind::limit,
           "more than {} bytes of distinct words; learn from less text, or from text with more words that "
           "repeat",
           max_bytes_);
    }
    counts_.emplace(piece, weight_);
  }

  void set_weight(std::int64_t weight) { weight_ = weight; }

 private:
  Counts& counts_;
  std::uint64_t& bytes_;
  std::uint64_t max_bytes_;
  std::int64_t weight_ = 1;
};

PieceCounter::PieceCounter(std::vector<PreTokenizerStage> stages, std::uint64_t max_distinct_bytes)
    : max_distinct_bytes_(max_distinct_bytes) {
  if (stages.empty() || !std::holds_alternative<ByteLevel>(stages.back())) {
    fail(ErrorKind::usage, "pieces are counted as bytes; expected a pre-tokenizer that ends with ByteLevel");
  }
  std::vector<PreTokenizerStage> first;
  if (stages.size() > 1) {
    first.push_back(std::move(stages.front()));
    stages.erase(stages.begin());
  }
  first_ = PreTokenizer(std::move(first));
  rest_ = PreTokenizer(std::move(stages));
  scratch_ = first_.new_scratch();
}

void PieceCounter::add(std::string_view document) {
  check_utf8(document);
  Tally tally(counts_, distinct_bytes_, max_distinct_bytes_);
  first_.run(document, scratch_, tally);
}

std::vector<CountedPiece> PieceCounter::take() {
  Counts pieces;
  std::uint64_t bytes = 0;
  Tally tally(pieces, bytes, max_distinct_bytes_);
  auto scratch = rest_.new_scratch();
  while (!counts_.empty()) {
    const auto node = counts_.extract(counts_.begin());
    tally.set_weight(node.mapped());
    rest_.run(node.key(), scratch, tally);
  }
  distinct_bytes_ = 0;
  std::vector<CountedPiece> ordered;
  ordered.reserve(pieces.size());
  for (const auto& [piece, count] : pieces) ordered.push_back(CountedPiece{piece, count});
  std::ranges::sort(ordered, {}, &CountedPiece::bytes);
  return ordered;
}

}  // namespace nestor::tokenizer
