// A plot as SVG: readable without colour (every series has its own dashes and markers), light and dark.
#pragma once

#include <string>

#include "report/plot.h"

namespace nestor::report {

/// What the elements of every plot look like; a page has it once.
std::string plot_style();

enum class Use { inside_page, alone };  // alone: a file with a style of its own

std::string svg(const Plot& plot, Use use);

/// Text as it may stand in HTML and SVG.
std::string escaped(std::string_view text);

}  // namespace nestor::report
