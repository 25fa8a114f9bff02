// References in comments must exist in a clone: headers and sources, and no specification from elsewhere.
#pragma once

#include "source_text.h"

namespace nestor::rules {

/// Comments of C++ files that name a header or source which is none of `paths` ("room/file.h", seen from any
/// folder; the names of other projects' files begin with no folder of ours), or that cite a spec.
Violations comment_violations(const std::vector<std::string>& paths, const std::vector<File>& files);

}  // namespace nestor::rules
