#include "grammar/member_names.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace nestor::grammar {
namespace {

// The name that is written so. Names are compared as texts: "a" and "\u0061" are the same.
std::string unescaped(const std::string& written) {
  if (written.find('\\') == std::string::npos) return written;
  return parse_json('"' + written + '"', "a name").get<std::string>();
}

}  // namespace

void MemberNames::push(std::string_view bytes) {
  for (const char c : bytes) {
    if (in_ != In::structure) {
      const bool closes = c == '"' && !escaped_;
      escaped_ = c == '\\' && !escaped_;
      if (!closes) {
        if (in_ == In::name) name_ += c;
        continue;
      }
      if (in_ == In::name) open_.back().names.insert(unescaped(std::exchange(name_, {})));
      in_ = In::structure;
    } else if (c == '"') {
      const bool name = !open_.empty() && std::exchange(open_.back().name_comes, false);
      in_ = name ? In::name : In::text;
    } else if (c == '{' || c == '[') {
      open_.push_back({.object = c == '{', .name_comes = c == '{'});
    } else if (c == '}' || c == ']') {
      if (!open_.empty()) open_.pop_back();
    } else if (c == ',' && !open_.empty()) {
      open_.back().name_comes = open_.back().object;
    }
  }
}

/// The same walk over bytes that may come next. It copies nothing that lies below: what it opens and names
/// itself is kept apart.
class MemberNames::Ahead {
 public:
  explicit Ahead(const MemberNames& from)
      : from_(from), depth_(from.open_.size()), in_(from.in_), escaped_(from.escaped_), name_(from.name_) {
    if (depth_ > 0) top_ = {from.open_.back().object, from.open_.back().name_comes};
  }

  bool repeats(std::string_view bytes) {
    for (const char c : bytes) {
      if (in_ != In::structure) {
        const bool closes = c == '"' && !escaped_;
        escaped_ = c == '\\' && !escaped_;
        if (!closes) {
          if (in_ == In::name) name_ += c;
          continue;
        }
        if (in_ == In::name && !insert(unescaped(std::exchange(name_, {})))) return true;
        in_ = In::structure;
      } else if (c == '"') {
        in_ = depth_ > 0 && std::exchange(top_.name_comes, false) ? In::name : In::text;
      } else if (c == '{' || c == '[') {
        if (depth_ > 0) above_.push_back(top_);
        ++depth_;
        top_ = {c == '{', c == '{'};
      } else if ((c == '}' || c == ']') && depth_ > 0) {
        close();
      } else if (c == ',' && depth_ > 0) {
        top_.name_comes = top_.object;
      }
    }
    return false;
  }

 private:
  struct Top {
    bool object = false;
    bool name_comes = false;
  };

  void close() {
    own_.erase(own_.lower_bound({depth_, {}}), own_.end());
    --depth_;
    known_ = std::min(known_, depth_);
    if (!above_.empty()) {
      top_ = above_.back();
      above_.pop_back();
    } else if (depth_ > 0) {
      top_ = {from_.open_[depth_ - 1].object, false};  // behind a value
    }
  }

  bool insert(std::string name) {
    if (depth_ <= known_ && from_.open_[depth_ - 1].names.contains(name)) return false;
    return own_.insert({depth_, std::move(name)}).second;
  }

  const MemberNames& from_;
  std::size_t depth_;                                  // open things
  std::size_t known_ = depth_;                         // of these, the ones that were open before
  Top top_;                                            // the innermost one
  std::vector<Top> above_;                             // those around it, as far as they were the innermost
  std::set<std::pair<std::size_t, std::string>> own_;  // names by depth
  In in_;
  bool escaped_;
  std::string name_;
};

bool MemberNames::would_repeat(std::string_view bytes) const { return Ahead(*this).repeats(bytes); }

}  // namespace nestor::grammar
