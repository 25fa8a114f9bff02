// Where two curves meet.
#pragma once

#include <vector>

#include "report/plot.h"

namespace nestor::report {

/// The points where the straight pieces of two curves cross, in order; `x` says on which axis they are
/// straight. Curves that only touch do not cross.
std::vector<Point> crossings(const Series& a, const Series& b, Scale x);

}  // namespace nestor::report
