// Stop strings in a stream of text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nestor::chat {

/// Watches one stream for stop strings, across the borders of its pieces. The stop string that is complete
/// first ends the stream; of several complete at the same byte, the longest. How the stream is cut into
/// pieces changes nothing. Takes time linear in the text, whatever the stop strings. One object per stream,
/// not for several threads.
class StopStrings {
 public:
  /// Fails with Error(usage) for an empty stop string, Error(limit) beyond kMaxBytes in all.
  explicit StopStrings(const std::vector<std::string>& stops);

  struct Released {
    std::string text;       // never part of a stop string
    bool stopped = false;   // a stop string was complete; text behind it is dropped, now and later
    std::string stop = {};  // that stop string, told once
  };

  /// Returns what cannot belong to a stop string any more and holds back the rest.
  Released push(std::string_view piece);

  /// The stream has ended: returns what was held back (nothing after a stop).
  std::string finish();

  static constexpr std::size_t kMaxBytes = 64 << 10;

 private:
  // A trie of the stop strings with failure links (Aho and Corasick): a state is the longest suffix of the
  // text that begins a stop string.
  struct State {
    std::vector<std::pair<unsigned char, std::uint32_t>> next;
    std::uint32_t failure = 0;  // the longest proper suffix that is a state
    std::uint32_t depth = 0;    // bytes
    std::uint32_t match = 0;    // bytes of the longest stop string that ends here, 0 for none
    std::uint32_t child(unsigned char byte) const;  // 0: none
  };

  void insert(const std::string& stop);
  void link();
  std::uint32_t advance(std::uint32_t state, unsigned char byte) const;

  std::vector<State> states_;
  std::uint32_t state_ = 0;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace nestor::chat
