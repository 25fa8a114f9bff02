// A report as one HTML file that asks nothing of anybody: no scripts, no fonts, no other files.
#pragma once

#include <string>

#include "report/document.h"

namespace nestor::report {

std::string to_html(const Document& document);

}  // namespace nestor::report
