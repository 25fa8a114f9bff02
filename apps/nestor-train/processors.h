// Whether other programs compute on this machine.
#pragma once

namespace nestor::app {

/// Measured over some hundredths of a second: whether a thread for every processor that this process may use
/// had it for itself.
bool has_processors_alone();

}  // namespace nestor::app
