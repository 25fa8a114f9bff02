// A model folder with other files than those of the story model here and there.
#pragma once

#include "program.h"

namespace nestor::testing {

/// The story model as a folder of links, as in Hugging Face's cache; files can then be replaced.
class LinkedModel {
 public:
  LinkedModel() {
    for (const auto& entry : std::filesystem::directory_iterator(story())) {
      std::filesystem::create_symlink(entry.path(), scratch_ / entry.path().filename().string());
    }
  }
  std::string folder() const { return (scratch_ / "").string(); }
  void remove(const std::string& name) const { std::filesystem::remove(scratch_ / name); }
  void replace(const std::string& name, const std::string& bytes) const {
    remove(name);
    scratch_.write(name, bytes);
  }

 private:
  Scratch scratch_;
};

}  // namespace nestor::testing
