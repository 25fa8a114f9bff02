#include "grammar/member_names.h"

#include <algorithm>

#include "base/json.h"

namespace nestor::grammar {
namespace {

// The name that is written so. Names are compared as texts: "a" and "\u0061" are the same. What no text is,
// half a surrogate pair say, is compared as it is written.
std::string unescaped(const std::string& written) {
  if (written.find('\\') == std::string::npos) return written;
  const Json text = Json::parse('"' + written + '"', nullptr, /*allow_exceptions=*/false);
  return text.is_string() ? text.get<std::string>() : written;
}

}  // namespace

template <typename Levels>
bool MemberNames::Place::walk(std::string_view bytes, Levels& levels) {
  for (const char c : bytes) {
    if (in != In::structure) {
      const bool closes = c == '"' && !escaped;
      escaped = c == '\\' && !escaped;
      if (!closes) {
        if (in == In::name) name += c;
        continue;
      }
      if (in == In::name && !levels.add(unescaped(std::exchange(name, {})))) return false;
      in = In::structure;
      continue;
    }
    Level* top = levels.top();
    if (c == '"') {
      in = top != nullptr && std::exchange(top->name_comes, false) ? In::name : In::text;
    } else if (c == '{' || c == '[') {
      levels.open({c == '{', c == '{'});
    } else if ((c == '}' || c == ']') && top != nullptr) {
      levels.close();
    } else if (c == ',' && top != nullptr) {
      top->name_comes = top->object;
    }
  }
  return true;
}

struct MemberNames::Kept {
  std::vector<Open>& all;

  Level* top() { return all.empty() ? nullptr : &all.back().level; }
  void open(Level level) { all.push_back({level}); }
  void close() { all.pop_back(); }
  bool add(std::string name) {
    all.back().names.insert(std::move(name));
    return true;
  }
};

/// Levels for bytes that may come next. Copies nothing that lies below: what it opens and names itself is
/// kept apart.
class MemberNames::Ahead {
 public:
  explicit Ahead(const std::vector<Open>& from) : from_(from), depth_(from.size()) {
    if (depth_ > 0) top_ = from.back().level;
  }

  Level* top() { return depth_ > 0 ? &top_ : nullptr; }

  void open(Level level) {
    if (depth_ > 0) above_.push_back(top_);
    ++depth_;
    top_ = level;
  }

  void close() {
    own_.erase(own_.lower_bound({depth_, {}}), own_.end());
    --depth_;
    known_ = std::min(known_, depth_);
    if (!above_.empty()) {
      top_ = above_.back();
      above_.pop_back();
    } else if (depth_ > 0) {
      top_ = {from_[depth_ - 1].level.object, false};  // behind a value
    }
  }

  /// False for a name that its object has.
  bool add(std::string name) {
    if (depth_ <= known_ && from_[depth_ - 1].names.contains(name)) return false;
    return own_.insert({depth_, std::move(name)}).second;
  }

 private:
  const std::vector<Open>& from_;
  std::size_t depth_;                                  // open things
  std::size_t known_ = depth_;                         // of these, the ones that were open before
  Level top_;                                          // the innermost one
  std::vector<Level> above_;                           // those around it, as far as they were the innermost
  std::set<std::pair<std::size_t, std::string>> own_;  // names by depth
};

void MemberNames::push(std::string_view bytes) {
  Kept kept{open_};
  place_.walk(bytes, kept);
}

bool MemberNames::would_repeat(std::string_view bytes) const {
  Ahead ahead(open_);
  Place place = place_;
  return !place.walk(bytes, ahead);
}

}  // namespace nestor::grammar
