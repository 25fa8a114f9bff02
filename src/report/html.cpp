#include "report/html.h"

#include <fmt/format.h>

#include "report/svg.h"

namespace nestor::report {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--paper:#fff;--line:#d1d9e0;--code:#f6f8fa;
--good:#1a7f37;--open:#7a5c00;--bad:#c2242f}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--paper:#0d1117;--line:#30363d;--code:#161b22;
--good:#4fc36b;--open:#dcb13c;--bad:#ff7b72}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:52rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.25}h2{font-size:1.25rem;margin-top:2.8rem;border-top:1px solid var(--line);padding-top:1.2rem}
figure{margin:1.4rem 0}figcaption{font-weight:600;margin-bottom:.3rem}
.wide{overflow-x:auto}.wide .plot{width:100%;min-width:30rem;height:auto;display:block}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid var(--line);padding:.3rem .9rem .3rem 0;text-align:left;vertical-align:top;overflow-wrap:normal}
th{color:var(--soft);font-weight:600}
details{margin-top:.4rem}summary{cursor:pointer;color:var(--soft)}
pre{background:var(--code);padding:.7rem .9rem;overflow-x:auto;font-size:.86rem;border-radius:6px}
.badge{display:inline-block;border:1px solid currentColor;border-radius:1rem;padding:0 .7rem;margin:0 .4rem .4rem 0;font-size:.9rem}
.good{color:var(--good)}.open{color:var(--open)}.bad{color:var(--bad)}
a{color:inherit}
)";

std::string html(const Table& table) {
  std::string out = "<div class=\"wide\" tabindex=\"0\"><table><thead><tr>";
  for (const std::string& cell : table.head) out += "<th scope=\"col\">" + escaped(cell) + "</th>";
  out += "</tr></thead>\n<tbody>";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escaped(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string html(const Paragraph& paragraph) { return "<p>" + escaped(paragraph.text) + "</p>\n"; }

std::string html(const Command& command) {
  return "<pre tabindex=\"0\"><code>" + escaped(command.text) + "</code></pre>\n";
}

std::string html(const Plot& plot) {
  return fmt::format(
      "<figure id=\"{}\"><figcaption>{}</figcaption>\n<div class=\"wide\" tabindex=\"0\">{}</div>\n"
      "<p>{}</p>\n<details><summary>The numbers of this plot</summary>\n{}</details></figure>\n",
      plot.id, escaped(plot.title), svg(plot, Use::inside_page), escaped(plot.summary), html(table_of(plot)));
}

std::string html(const Badge& badge) {
  constexpr std::string_view kClasses[] = {"good", "open", "bad"};
  return fmt::format("<span class=\"badge {}\">{} {}</span>", kClasses[static_cast<std::size_t>(badge.tone)],
                     sign_of(badge.tone), escaped(badge.text));
}

std::string html(const Section& section) {
  std::string out =
      fmt::format("<section id=\"section-{}\">\n<h2>{}</h2>\n", section.id, escaped(section.heading));
  if (!section.badges.empty()) {
    out += "<p>";
    for (const Badge& badge : section.badges) out += html(badge);
    out += "</p>\n";
  }
  for (const Block& block : section.blocks) out += std::visit([](const auto& b) { return html(b); }, block);
  return out + "</section>\n";
}

}  // namespace

std::string to_html(const Document& document) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n"
      "<style>{1}{2}</style></head>\n<body><main>\n<h1>{0}</h1>\n<p>{3}</p>\n",
      escaped(document.title), kStyle, plot_style(), escaped(document.summary));
  for (const Section& section : document.sections) out += html(section);
  return out + "</main></body></html>\n";
}

}  // namespace nestor::report
