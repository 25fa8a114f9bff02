// The exception that is being handled, as a request ends with it.
#pragma once

#include "base/error.h"

namespace nestor::schedule {

/// Only in a catch block. Without memory: try again later.
Error current_error();

}  // namespace nestor::schedule
