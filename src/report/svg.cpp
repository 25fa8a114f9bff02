#include "report/svg.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/utf8.h"
#include "report/scale.h"

namespace nestor::report {
namespace {

// In units of the picture, which the page scales.
constexpr double kWidth = 640, kLeft = 62, kRight = 626, kPlotHeight = 270, kBelow = 58;
constexpr double kLegendLine = 20, kCharacter = 7.3, kSample = 40;
constexpr std::size_t kMostMarkers = 12;  // of one curve; more hide it

constexpr std::array kDashes = {"", "8 4", "2 3", "10 3 2 3", "5 2", "1 4"};
constexpr std::array kMarkers = {"M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
                                 "M-4 -4h8v8h-8z",
                                 "M0 -5L5 4H-5z",
                                 "M0 -6L5 0L0 6L-5 0z",
                                 "M-5 4.5L0 -4L5 4.5z",
                                 "M-4 -2h8v4h-8z"};

std::string style_of(std::size_t series) { return fmt::format("s{}", series % kDashes.size()); }

std::string text(double x, double y, std::string_view words, std::string_view anchor,
                 std::string_view more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     escaped(words));
}

std::string line(double x1, double y1, double x2, double y2, std::string_view kind) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kind,
                     x1, y1, x2, y2);
}

class Picture {
 public:
  explicit Picture(const Plot& plot) : plot_(plot), x_(plot.x.scale), y_(plot.y.scale) {
    for (const Series& series : plot.series) {
      for (const Point& p : series.points) {
        if (!shows(p)) continue;
        x_.include(p.x);
        for (const double y : {p.y, p.y - p.error, p.y + p.error}) y_.include(y);
      }
    }
    if (!plot.x.categories.empty()) {  // half a place around each name
      x_.include(-0.5);
      x_.include(static_cast<double>(plot.x.categories.size()) - 0.5);
    }
    x_.pad();
    y_.pad();
  }

  std::string draw(Use use) {
    std::string inner = legend();
    top_ += 10;
    inner += axes();
    for (std::size_t i = 0; i < plot_.series.size(); ++i) inner += curve(i);
    for (const Mark& mark : plot_.marks) inner += ring(mark);
    const double height = top_ + kPlotHeight + kBelow;
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" "
        "aria-labelledby=\"{}-title {}-text\">\n<title id=\"{}-title\">{}</title>\n<desc "
        "id=\"{}-text\">{}</desc>\n{}{}</svg>\n",
        kWidth, height, plot_.id, plot_.id, plot_.id, escaped(plot_.title), plot_.id, escaped(plot_.summary),
        use == Use::alone ? "<style>\n" + plot_style() + "</style>\n" : "", inner);
  }

 private:
  bool shows(const Point& p) const { return x_.shows(p.x) && y_.shows(p.y); }
  double x(double value) const { return kLeft + (kRight - kLeft) * x_.place(value); }
  double y(double value) const { return top_ + kPlotHeight * (1 - y_.place(value)); }

  std::string legend() {
    std::string out;
    double at = kLeft;
    top_ = kLegendLine;
    for (std::size_t i = 0; i < plot_.series.size(); ++i) {
      const std::string& name = plot_.series[i].name;
      const double width = kSample + kCharacter * static_cast<double>(name.size()) + 16;
      if (at > kLeft && at + width > kRight) {
        at = kLeft;
        top_ += kLegendLine;
      }
      out += line(at, top_ - 5, at + 32, top_ - 5, "curve " + style_of(i)) + marker(i, at + 16, top_ - 5);
      out += text(at + kSample, top_, name, "start");
      at += width;
    }
    return out;
  }

  std::string axes() const {
    std::string out;
    const double bottom = top_ + kPlotHeight;
    for (const double value : y_.ticks()) {
      out += line(kLeft, y(value), kRight, y(value), "grid");
      out += text(kLeft - 6, y(value) + 4, tick_text(value), "end");
    }
    if (plot_.x.categories.empty()) {
      for (const double value : x_.ticks()) {
        out += line(x(value), top_, x(value), bottom, "grid");
        out += text(x(value), bottom + 17, tick_text(value), "middle");
      }
    }
    out += category_names(bottom);
    out += line(kLeft, bottom, kRight, bottom, "axis") + line(kLeft, top_, kLeft, bottom, "axis");
    const auto label = [](const Axis& axis) {
      return axis.label + (axis.scale == Scale::log ? " (log scale)" : "");
    };
    out += text((kLeft + kRight) / 2, bottom + 48, label(plot_.x), "middle", " class=\"label\"");
    const double middle = top_ + kPlotHeight / 2;
    return out + text(14, middle, label(plot_.y), "middle",
                      fmt::format(" class=\"label\" transform=\"rotate(-90 14 {:.1f})\"", middle));
  }

  // Two lines in turns, where names would run into each other.
  std::string category_names(double bottom) const {
    std::string out;
    const auto& names = plot_.x.categories;
    std::size_t longest = 0;
    for (const std::string& name : names) longest = std::max(longest, name.size());
    const bool crowded = static_cast<double>(longest * names.size()) * kCharacter > kRight - kLeft;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const double below = crowded && i % 2 == 1 ? 32 : 17;
      out += text(x(static_cast<double>(i)), bottom + below, names[i], "middle");
    }
    return out;
  }

  std::string marker(std::size_t series, double at_x, double at_y) const {
    return fmt::format("<path class=\"marker {}\" d=\"{}\" transform=\"translate({:.1f} {:.1f})\"/>\n",
                       style_of(series), kMarkers[series % kMarkers.size()], at_x, at_y);
  }

  std::string curve(std::size_t number) const {
    const std::vector<Point>& points = plot_.series[number].points;
    const std::string style = style_of(number);
    std::string path, rest;
    const std::size_t every = 1 + points.size() / (kMostMarkers + 1);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Point& p = points[i];
      if (!shows(p)) continue;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(p.x), y(p.y));
      if (p.error > 0) rest += error_bar(p, style);
      if (i % every == 0) rest += marker(number, x(p.x), y(p.y));
    }
    const bool joined = plot_.x.categories.empty() && points.size() > 1 && !path.empty();
    return (joined ? fmt::format("<path class=\"curve {}\" d=\"{}\"/>\n", style, path) : "") + rest;
  }

  std::string error_bar(const Point& p, const std::string& style) const {
    constexpr double kCap = 4;
    const double high = y(p.y + p.error),
                 low = y_.shows(p.y - p.error) ? y(p.y - p.error) : top_ + kPlotHeight;
    const std::string kind = "bar " + style;
    return line(x(p.x), low, x(p.x), high, kind) + line(x(p.x) - kCap, low, x(p.x) + kCap, low, kind) +
           line(x(p.x) - kCap, high, x(p.x) + kCap, high, kind);
  }

  std::string ring(const Mark& mark) const {
    if (!x_.shows(mark.x) || !y_.shows(mark.y)) return "";
    const double at_x = x(mark.x), at_y = y(mark.y);
    const bool right = at_x > (kLeft + kRight) / 2;
    const double text_y = at_y < top_ + 30 ? at_y + 4 : at_y - 10;  // beside it below the legend
    return fmt::format("<circle class=\"mark\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"9\"/>\n", at_x, at_y) +
           text(at_x + (right ? -14 : 14), text_y, mark.label, right ? "end" : "start", " class=\"label\"");
  }

  const Plot& plot_;
  Range x_, y_;
  double top_ = 0;  // of the plot's own area
};

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : sanitized_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

std::string plot_style() {
  std::string style =
      ".plot{--ink:#1f2328;--soft:#59636e;--paper:#fff;--c0:#1f5fd0;--c1:#b3550a;--c2:#1a7f47;--c3:#7a42c8;"
      "--c4:#b3245c;--c5:#59636e}\n"
      "@media(prefers-color-scheme:dark){.plot{--ink:#e6edf3;--soft:#9da7b3;--paper:#0d1117;--c0:#6ea8fe;"
      "--c1:#f0a05a;--c2:#57c785;--c3:#b794f6;--c4:#f48fb1;--c5:#9da7b3}}\n"
      ".plot text{font:13px system-ui,sans-serif;fill:var(--soft)}.plot .label{fill:var(--ink)}\n"
      ".plot .grid{stroke:var(--soft);stroke-opacity:.25}.plot .axis{stroke:var(--soft)}\n"
      ".plot .curve{fill:none;stroke-width:2;stroke-linejoin:round}.plot .bar{stroke-width:1.5}\n"
      ".plot .marker{stroke:var(--paper);stroke-width:1}\n"
      ".plot .mark{fill:none;stroke:var(--ink);stroke-width:1.5}\n";
  for (std::size_t i = 0; i < kDashes.size(); ++i) {
    style += fmt::format(
        ".plot .s{0}{{stroke:var(--c{0})}}.plot .marker.s{0}{{fill:var(--c{0});stroke:var(--paper)}}", i);
    if (*kDashes[i] != '\0') style += fmt::format(".plot .curve.s{}{{stroke-dasharray:{}}}", i, kDashes[i]);
    style += "\n";
  }
  return style;
}

std::string svg(const Plot& plot, Use use) { return Picture(plot).draw(use); }

}  // namespace nestor::report
