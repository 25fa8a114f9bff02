// Whether the cores under a team are its own at the moment. A virtual processor is often one of two threads
// of a core, and the other one may belong to somebody else: then arithmetic that waits for nothing keeps its
// speed, but everything that is bound by the number of instructions halves. Comparing such moments with
// others says nothing about a kernel.
#pragma once

#include "kernels/parallel.h"

namespace nestor::bench {

/// Instructions per cycle of a stretch of instructions that do nothing, some 30 us long: the width of the
/// core, 4 to 8, where nobody else uses it, and about half of that beside a busy thread. The least of the
/// team's threads. Cycles are counted by a chain of multiplications (three cycles each), at whatever
/// frequency.
double issue_width(kernels::Team& team);

}  // namespace nestor::bench
