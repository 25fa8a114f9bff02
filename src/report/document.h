// A report as data: sections of text, tables, plots and commands, which become a page (html.h) and its
// Markdown twin (markdown.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "report/plot.h"

namespace nestor::report {

struct Paragraph {
  std::string text;
};

struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

/// What was typed, or is to be typed.
struct Command {
  std::string text;
};

using Block = std::variant<Paragraph, Table, Command, Plot>;

/// A judgement in a few words; its tone gives it a sign and a colour.
struct Badge {
  enum class Tone { good, open, bad } tone = Tone::open;
  std::string text;
};
/// The sign of a tone, for readers without colours.
std::string_view sign_of(Badge::Tone tone);

struct Section {
  std::string id;  // as Plot::id
  std::string heading;
  std::vector<Badge> badges;
  std::vector<Block> blocks;
};

struct Document {
  std::string title;
  std::string summary;
  std::vector<Section> sections;
};

/// The table behind a plot: a row for each x, a column for each series, "y +- error" where there is one.
Table table_of(const Plot& plot);

}  // namespace nestor::report
