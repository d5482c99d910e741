#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace faceforge::evaluate {

/// An interactive plot for a `plot_page`.
///
/// in: a Vega-Lite specification without width, theme and colours: it is as wide as its place, and
///     a string like `@first` is the page's colour of that name, in daylight and in the dark;
///     `label` says to whoever cannot see it what it shows
[[nodiscard]] std::string html_plot(const json::object& specification, std::string_view label);

/// An `html_page` with plots. Beside the house's colours it has `--third`; `.figures`, `.plots` and
/// `.pairs` have a look.
///
/// in: `body` of HTML, in `<section>`s with `<h2>`; `plot_script` that `web/src/report/plots.ts`
///     is built into
[[nodiscard]] std::string plot_page(std::string_view title, std::string_view body,
                                    std::string_view plot_script);

}  // namespace faceforge::evaluate
