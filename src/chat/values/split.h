// Cutting texts: split, rsplit, splitlines, partition, rpartition. The parts keep their marks.
#pragma once

#include "chat/runtime.h"

namespace nestor::chat {

enum class Direction { forwards, backwards };

template <Direction direction>
Value split_method(Runtime& runtime, const Text& self, const Arguments& arguments);
template <Direction direction>
Value partition_method(Runtime& runtime, const Text& self, const Arguments& arguments);
Value splitlines_method(Runtime& runtime, const Text& self, const Arguments& arguments);

}  // namespace nestor::chat
