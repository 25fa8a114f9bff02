// Rules about single files: length, names, and what the library must not do.
#pragma once

#include "source_text.h"

namespace nestor::rules {

/// Source files of more than 400 lines. Data (folders named data, golden or corpus) does not count.
Violations length_violations(const std::vector<File>& files);

/// Files and folders whose name says nothing: utils, common, misc, helpers.
Violations name_violations(const std::vector<std::string>& paths);

/// Reads of the environment in src/, or in more than one file of apps/.
Violations environment_violations(const std::vector<File>& files);

/// Printing, aborting and exiting in src/.
Violations manners_violations(const std::vector<File>& files);

/// Conditional compilation outside src/base and src/kernels (include guards aside).
Violations preprocessor_violations(const std::vector<File>& files);

/// Forward passes of a model that go round decode/batch.h; what measures single ones may.
Violations forward_violations(const std::vector<File>& files);

/// Paths of somebody's machine in any text.
Violations machine_path_violations(const std::vector<File>& files);

}  // namespace nestor::rules
