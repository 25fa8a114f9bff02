// References in comments must exist in a clone: sources, pages and scripts, and no specification from
// elsewhere.
#pragma once

#include "source_text.h"

namespace nestor::rules {

/// Comments of C++, CMake, Python and shell files that name a file which is none of `paths` ("room/file.h" or
/// "file.h", seen from any folder; the names of other projects' files begin with no folder of ours), or that
/// cite a spec.
Violations comment_violations(const std::vector<std::string>& paths, const std::vector<File>& files);

}  // namespace nestor::rules
