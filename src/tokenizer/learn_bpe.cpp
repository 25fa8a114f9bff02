#include "tokenizer/learn_bpe.h"

#include <algorithm>
#include <array>
#include <limits>
#include <queue>
#include <unordered_map>

#include "base/error.h"
#include "tokenizer/byte_alphabet.h"

namespace nestor::tokenizer {
namespace {

constexpr std::size_t kByteTokens = 256;
constexpr std::int64_t kMostPairs = std::int64_t{1} << 62;

// All pieces one after the other, a cell for each byte and one between pieces. A token's id stands in its
// first and its last cell, so that its neighbours are found by their lengths.
constexpr TokenId kBorder = -1;
constexpr TokenId kInside = -2;

using Cell = std::uint32_t;

struct Pair {
  TokenId left;
  TokenId right;
  std::int64_t count = 0;
  std::vector<Cell> places;   // first cells of `left`; some are out of date, none is missing
  std::size_t raised_in = 0;  // the number of the last merge that raised the count
};

// What the queue knew about a pair when it was put in.
struct Candidate {
  std::int64_t count;
  TokenId left;
  TokenId right;
  std::size_t pair;

  bool operator<(const Candidate& other) const {
    if (count != other.count) return count < other.count;
    return left != other.left ? left > other.left : right > other.right;
  }
};

class Learner {
 public:
  Learner(const std::vector<CountedPiece>& pieces, const BpeGoal& goal) : goal_(goal) {
    name_bytes();
    lay_out(pieces);
    count_pairs();
  }

  LearnedBpe run(ProgressSink& progress, const std::stop_token& stop) {
    const std::uint64_t wanted = goal_.tokens - kByteTokens;
    while (learned_.tokens.size() < goal_.tokens) {
      if (stop.stop_requested()) fail(ErrorKind::cancelled, "interrupted; nothing is written");
      progress.advance("learning merges", learned_.tokens.size() - kByteTokens, wanted);
      const std::size_t best = take_best();
      if (best == kNone) break;
      merge(best);
    }
    count_tokens();
    return std::move(learned_);
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  void name_bytes() {
    std::vector<unsigned char> order(kByteTokens);
    for (std::size_t b = 0; b < kByteTokens; ++b) order[b] = static_cast<unsigned char>(b);
    std::ranges::sort(order, {}, character_of);
    for (const unsigned char b : order) {
      id_of_byte_[b] = static_cast<TokenId>(learned_.tokens.size());
      learned_.tokens.emplace_back(1, static_cast<char>(b));
    }
  }

  void lay_out(const std::vector<CountedPiece>& pieces) {
    std::uint64_t cells = 1;
    std::int64_t pairs = 0;
    for (const CountedPiece& piece : pieces) {
      cells += piece.bytes.size() + 1;
      const auto size = static_cast<std::int64_t>(piece.bytes.size());
      if (piece.count < 0 || (size > 0 && piece.count > (kMostPairs - pairs) / size)) {
        fail(ErrorKind::limit, "the counts of the pieces exceed 2^62 bytes of text");
      }
      pairs += size * piece.count;
    }
    if (cells > std::numeric_limits<Cell>::max()) {
      fail(ErrorKind::limit, "{} bytes of distinct pieces; at most 2^32, so learn from less text", cells);
    }
    cells_.reserve(cells);
    piece_of_.reserve(cells);
    counts_.reserve(pieces.size());
    cells_.push_back(kBorder);
    piece_of_.push_back(0);
    for (const CountedPiece& piece : pieces) {
      const auto number = static_cast<std::uint32_t>(counts_.size());
      for (const char b : piece.bytes) cells_.push_back(id_of_byte_[static_cast<unsigned char>(b)]);
      cells_.push_back(kBorder);
      piece_of_.resize(cells_.size(), number);
      counts_.push_back(piece.count);
    }
  }

  void count_pairs() {
    for (Cell at = 1; at + 1 < cells_.size(); ++at) {
      if (cells_[at] != kBorder && cells_[at + 1] != kBorder) raise(cells_[at], cells_[at + 1], at);
    }
    queue_raised();
  }

  std::size_t pair_of(TokenId left, TokenId right) {
    const std::uint64_t key = static_cast<std::uint64_t>(left) << 32 |
                              static_cast<std::uint64_t>(static_cast<std::uint32_t>(right));
    const auto [entry, is_new] = index_of_pair_.try_emplace(key, pairs_.size());
    if (is_new) pairs_.push_back(Pair{left, right, 0, {}, 0});
    return entry->second;
  }

  void raise(TokenId left, TokenId right, Cell at) {
    const std::size_t index = pair_of(left, right);
    Pair& pair = pairs_[index];
    pair.count += counts_[piece_of_[at]];
    pair.places.push_back(at);
    if (pair.raised_in == step_) return;
    pair.raised_in = step_;
    raised_.push_back(index);
  }

  void lower(TokenId left, TokenId right, Cell at) {
    pairs_[pair_of(left, right)].count -= counts_[piece_of_[at]];
  }

  void queue_raised() {
    for (const std::size_t index : raised_) queue(index);
    raised_.clear();
  }

  void queue(std::size_t index) {
    const Pair& pair = pairs_[index];
    if (pair.count >= goal_.min_count) queue_.push({pair.count, pair.left, pair.right, index});
  }

  // A count rises only in the step that makes the later of the two tokens, after which the pair is queued,
  // once. Counts that fell since are noticed here: such a pair goes back with the count it has now.
  std::size_t take_best() {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      if (pairs_[top.pair].count != top.count) {
        queue(top.pair);
      } else if (!goal_.reserved.contains(bytes_of(top.pair))) {
        return top.pair;
      }
    }
    return kNone;
  }

  std::string bytes_of(std::size_t pair) const {
    return learned_.tokens[static_cast<std::size_t>(pairs_[pair].left)] +
           learned_.tokens[static_cast<std::size_t>(pairs_[pair].right)];
  }

  Cell length(TokenId token) const {
    return static_cast<Cell>(learned_.tokens[static_cast<std::size_t>(token)].size());
  }

  void merge(std::size_t best) {
    ++step_;
    const TokenId left = pairs_[best].left;
    const TokenId right = pairs_[best].right;
    const auto merged = static_cast<TokenId>(learned_.tokens.size());
    learned_.tokens.push_back(bytes_of(best));
    learned_.merges.push_back({left, right, merged});

    std::vector<Cell> places = std::move(pairs_[best].places);
    pairs_[best].places = {};
    std::ranges::sort(places);  // from left to right in each piece
    for (const Cell at : places) merge_at(at, left, right, merged);
    queue_raised();
  }

  void merge_at(Cell at, TokenId left, TokenId right, TokenId merged) {
    // A place is out of date when its token was merged: what stands there then is longer, or inside.
    if (cells_[at] != left) return;
    const Cell middle = at + length(left);
    if (cells_[middle] != right) return;
    const Cell end = middle + length(right);
    const TokenId before = cells_[at - 1];
    const TokenId after = cells_[end];

    lower(left, right, at);
    cells_[middle - 1] = kInside;
    cells_[middle] = kInside;
    cells_[at] = merged;
    cells_[end - 1] = merged;
    if (before != kBorder) {
      lower(before, left, at);
      raise(before, merged, at - length(before));
    }
    if (after != kBorder) {
      lower(right, after, at);
      raise(merged, after, at);
    }
  }

  void count_tokens() {
    for (Cell at = 1; at < cells_.size();) {
      if (cells_[at] == kBorder) {
        ++at;
        continue;
      }
      learned_.text_tokens += counts_[piece_of_[at]];
      at += length(cells_[at]);
    }
  }

  const BpeGoal& goal_;
  LearnedBpe learned_;
  std::array<TokenId, kByteTokens> id_of_byte_{};

  std::vector<TokenId> cells_;
  std::vector<std::uint32_t> piece_of_;  // for each cell
  std::vector<std::int64_t> counts_;     // for each piece

  std::vector<Pair> pairs_;
  std::unordered_map<std::uint64_t, std::size_t> index_of_pair_;
  std::priority_queue<Candidate> queue_;
  std::size_t step_ = 1;             // number of the merge; the first count is number 1
  std::vector<std::size_t> raised_;  // pairs that this merge raised
};

}  // namespace

LearnedBpe learn_bpe(const std::vector<CountedPiece>& pieces, const BpeGoal& goal, ProgressSink& progress,
                     const std::stop_token& stop) {
  if (goal.tokens < kByteTokens) {
    fail(ErrorKind::usage, "a byte-level vocabulary of {} tokens; the bytes alone are {}", goal.tokens,
         kByteTokens);
  }
  if (goal.min_count < 1) {
    fail(ErrorKind::usage, "a minimum count of {}; expected 1 or more", goal.min_count);
  }
  return Learner(pieces, goal).run(progress, stop);
}

}  // namespace nestor::tokenizer
