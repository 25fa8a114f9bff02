// The names of the members of the objects that a JSON text has open: no grammar of terms can say that a name
// must not come twice, so the text is followed beside it.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nestor::grammar {

/// Follows one JSON text, which is taken to be well-formed as far as it goes. Copyable.
class MemberNames {
 public:
  /// The text goes on.
  void push(std::string_view bytes);

  /// Whether an object would have two members of one name if the text went on with these bytes. Whatever the
  /// text so far, bytes with fewer than quotes_needed() quotes cannot do that.
  bool would_repeat(std::string_view bytes) const;
  /// What would_repeat() costs: it looks at the name that has been begun.
  std::size_t begun_bytes() const { return place_.name.size(); }
  std::size_t quotes_needed() const { return place_.in == In::name ? 1 : place_.in == In::text ? 3 : 2; }

 private:
  enum class In { structure, name, text };
  struct Level {
    bool object = false;
    bool name_comes = false;  // the next string is a name
  };
  struct Open {
    Level level;
    std::set<std::string, std::less<>> names = {};
  };
  /// Where in the text, and how that moves on; `levels` keeps what is open and says no to a name.
  struct Place {
    In in = In::structure;
    bool escaped = false;  // the next byte is the one behind a backslash
    std::string name;      // of the name that is being written, as it is written

    template <typename Levels>
    bool walk(std::string_view bytes, Levels& levels);
  };
  struct Kept;
  class Ahead;

  std::vector<Open> open_;
  Place place_;
};

}  // namespace nestor::grammar
