#include "report/markdown.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "report/html.h"
#include "report/svg.h"

namespace nestor::report {
namespace {

// Text from outside stays on its line and in its cell.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + plain(cell) + " |";
  return out + "\n";
}

class Writer {
 public:
  explicit Writer(const std::string& plots) : plots_(plots) {}

  std::string operator()(const Paragraph& paragraph) const { return plain(paragraph.text) + "\n"; }
  std::string operator()(const Command& command) const { return "```\n" + command.text + "\n```\n"; }
  std::string operator()(const Table& table) const {
    std::string out = row(table.head) + "|";
    for (std::size_t i = 0; i < table.head.size(); ++i) out += "---|";
    out += "\n";
    for (const auto& cells : table.rows) out += row(cells);
    return out;
  }
  std::string operator()(const Plot& plot) const {
    return fmt::format("![{0}]({1}/{2}.svg)\n\n**{0}.** {3}\n\n{4}", plain(plot.title), plots_, plot.id,
                       plain(plot.summary), (*this)(table_of(plot)));
  }

 private:
  const std::string& plots_;
};

}  // namespace

std::string to_markdown(const Document& document, const std::string& plots) {
  std::string out = "# " + plain(document.title) + "\n\n" + plain(document.summary) + "\n";
  for (const Section& section : document.sections) {
    out += "\n## " + plain(section.heading) + "\n";
    for (const Badge& badge : section.badges) {
      out += fmt::format("\n**{} {}**\n", sign_of(badge.tone), plain(badge.text));
    }
    for (const Block& block : section.blocks) out += "\n" + std::visit(Writer(plots), block);
  }
  return out;
}

void write_report(const Document& document, const std::filesystem::path& folder, const std::string& name) {
  const std::filesystem::path plots = folder / "plots";
  std::error_code problem;
  std::filesystem::create_directory(plots, problem);
  if (problem) fail(ErrorKind::io, "{}: cannot make the folder: {}", plots.string(), problem.message());
  for (const Section& section : document.sections) {
    for (const Block& block : section.blocks) {
      if (const auto* plot = std::get_if<Plot>(&block))
        write_file(plots / (plot->id + ".svg"), svg(*plot, Use::alone));
    }
  }
  write_file(folder / (name + ".md"), to_markdown(document, "plots"));
  write_file(folder / (name + ".html"), to_html(document));
}

}  // namespace nestor::report
