// What of the documents is kept, and in which split: duplicates and repeated lines out, and a part held out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "corpus/documents.h"
#include "corpus/manifest.h"
#include "corpus/text_hash.h"
#include "corpus/text_hash_set.h"

namespace nestor::corpus {

enum class Duplicates { remove, keep };

struct DeduplicatorOptions {
  Duplicates duplicates = Duplicates::remove;
  /// Lines of at least as many bytes (white space at their ends not counted) that occurred before, in
  /// whatever document, are dropped; 0 keeps them all. Conversations keep theirs.
  std::int64_t dedup_lines_from = 0;
};

/// The text with every run of white space (space, tab, newline and the like of ASCII) as one space, none at
/// the ends.
std::string with_single_spaces(std::string_view text);

/// A document's place between 0 and 1, from its group, or without one from its text with single spaces. The
/// held-out split is what lies below the fraction: whether a document is in it depends on nothing else.
double heldout_place(const Document& document);

/// Remembers 128 bits of each document and line it let through.
class Deduplicator {
 public:
  explicit Deduplicator(const DeduplicatorOptions& options) : options_(options) {}

  /// False for a document without anything but white space, or whose text with single spaces came before.
  /// Removes repeated lines from those that stay.
  bool pass(Document& document);

  const Removed& removed() const { return removed_; }

 private:
  void drop_repeated_lines(std::string& text);

  DeduplicatorOptions options_;
  TextHashSet documents_, lines_;
  Removed removed_;
};

}  // namespace nestor::corpus
