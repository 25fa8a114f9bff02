// A report as Markdown, with its plots as SVG files beside it.
#pragma once

#include <filesystem>
#include <string>

#include "report/document.h"

namespace nestor::report {

/// Plots are links to `plots`/ID.svg, relative to the text, with their tables below.
std::string to_markdown(const Document& document, const std::string& plots);

/// Writes a page and its twin, called `name`, and the folder plots/ of pictures, into a folder that exists;
/// each file is complete or as it was before. Error(io).
void write_report(const Document& document, const std::filesystem::path& folder, const std::string& name);

}  // namespace nestor::report
