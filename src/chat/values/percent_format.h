// Python's two ways to fill in a text: '...%s...' % values and '...{}...'.format(values).
#pragma once

#include "chat/builtins/arguments.h"
#include "chat/runtime.h"

namespace nestor::chat {

/// `values`: a tuple, a mapping for %(name)s, or one value. Conversions d i u s r f F e E g G x X o c and %%.
Text percent_format(Runtime& runtime, const Text& format, const Value& values);

/// str.format with plain fields: {}, {0}, {name}, {0.attribute}, {0[key]}. Format specifications and
/// conversions are refused by name.
Text brace_format(Runtime& runtime, const Text& format, const Arguments& arguments);

}  // namespace nestor::chat
