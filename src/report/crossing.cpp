#include "report/crossing.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace nestor::report {
namespace {

double place(double x, Scale scale) { return scale == Scale::log ? std::log(x) : x; }

// Nothing outside of the curve.
std::optional<double> value_at(const Series& series, double x, Scale scale) {
  const auto& points = series.points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].x == x) return points[i].y;
    if (i == 0 || !(points[i - 1].x < x && x < points[i].x)) continue;
    const double from = place(points[i - 1].x, scale), to = place(points[i].x, scale);
    const double share = (place(x, scale) - from) / (to - from);
    return points[i - 1].y + share * (points[i].y - points[i - 1].y);
  }
  return std::nullopt;
}

}  // namespace

std::vector<Point> crossings(const Series& a, const Series& b, Scale scale) {
  std::vector<double> xs;
  for (const Series* series : {&a, &b}) {
    for (const Point& p : series->points) xs.push_back(p.x);
  }
  std::ranges::sort(xs);
  std::vector<Point> found;
  std::optional<Point> before;  // y: how far a lies above b, at the last place where they differed
  for (const double x : xs) {
    const auto of_a = value_at(a, x, scale), of_b = value_at(b, x, scale);
    if (!of_a || !of_b || *of_a == *of_b) continue;
    const double above = *of_a - *of_b;
    if (before && (before->y < 0) != (above < 0)) {
      const double share = before->y / (before->y - above);
      const double at = place(before->x, scale) + share * (place(x, scale) - place(before->x, scale));
      const double where = scale == Scale::log ? std::exp(at) : at;
      found.push_back({where, value_at(a, where, scale).value_or(*of_a)});
    }
    before = Point{x, above};
  }
  return found;
}

}  // namespace nestor::report
