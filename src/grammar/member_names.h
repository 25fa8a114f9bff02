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
  std::size_t quotes_needed() const { return in_ == In::name ? 1 : in_ == In::text ? 3 : 2; }

 private:
  enum class In { structure, name, text };
  struct Open {
    bool object = false;
    bool name_comes = false;  // the next string is a name
    std::set<std::string, std::less<>> names = {};
  };
  class Ahead;

  std::vector<Open> open_;
  In in_ = In::structure;
  bool escaped_ = false;  // the next byte is the one behind a backslash
  std::string name_;      // of the name that is being written, as it is written
};

}  // namespace nestor::grammar
