#include "report/document.h"

#include <fmt/format.h>

#include <map>

#include "report/scale.h"

namespace nestor::report {
namespace {

std::string x_text(const Axis& axis, double x) {
  const bool named = x >= 0 && x < static_cast<double>(axis.categories.size());
  return named ? axis.categories[static_cast<std::size_t>(x)] : number_text(x);
}

std::string cell(const Point& p) {
  return p.error > 0 ? fmt::format("{} ± {}", number_text(p.y), number_text(p.error)) : number_text(p.y);
}

}  // namespace

std::string_view sign_of(Badge::Tone tone) {
  return tone == Badge::Tone::good ? "✓" : tone == Badge::Tone::bad ? "✗" : "○";
}

Table table_of(const Plot& plot) {
  Table table;
  table.head = {plot.x.label};
  std::map<double, std::vector<std::string>> rows;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    table.head.push_back(plot.series[i].name);
    for (const Point& p : plot.series[i].points) {
      auto& row = rows[p.x];
      row.resize(plot.series.size());
      row[i] = cell(p);
    }
  }
  for (auto& [x, cells] : rows) {
    cells.insert(cells.begin(), x_text(plot.x, x));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace nestor::report
