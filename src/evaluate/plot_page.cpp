#include "evaluate/plot_page.h"

#include <fmt/format.h>

#include "base/html_page.h"

namespace faceforge::evaluate {
namespace {

constexpr std::string_view kStyle = R"(
:root { --third: #6d28d9; }
@media (prefers-color-scheme: dark) { :root { --third: #c4b5fd; } }
body { max-width: 72rem; }
h1 { margin: .5rem 0; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
.tables { display: flex; flex-wrap: wrap; gap: .5rem 3rem; }
:where(main) table { font-size: .925rem; }
:where(main) th, :where(main) td { padding: .3rem 1.25rem .3rem 0; }
:where(main) th { vertical-align: bottom; }
:where(main) td { white-space: nowrap; }
:where(main) tr > :last-child { padding-right: 0; }
:where(main) tr:last-child td { border-bottom: 0; }
@media (max-width: 40rem) {
  :where(main) th, :where(main) td { white-space: normal; padding-right: .6rem; min-width: 4rem; }
  :where(main) table { font-size: .85rem; }
}
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
  gap: 1rem 1.5rem; }
figure { margin: 0; min-width: 0; }
figure > div { width: 100%; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr));
  gap: 1rem; }
.pairs figure > span { display: flex; gap: 4px; }
.pairs img { width: 50%; aspect-ratio: 1; object-fit: cover; border-radius: 8px;
  background: var(--line); }
.pairs figcaption { font-size: .85rem; overflow-wrap: anywhere; }
figure svg { margin-top: 0; }
figure .vega-embed.has-actions { padding-right: 0; }
figure .vega-embed summary { top: auto; bottom: 0; padding: 2px; }
)";

}  // namespace

std::string html_plot(const json::object& specification, std::string_view label) {
  std::string text;
  for (const char character : json::to_text(specification)) {
    // Inside of a script element nothing but `<` could end it.
    if (character == '<') {
      text += "\\u003c";
    } else {
      text += character;
    }
  }
  return fmt::format(
      "<figure data-plot aria-label=\"{0}\"><noscript>{0}: drawn where JavaScript is "
      "allowed.</noscript>"
      "<script type=\"application/json\">{1}</script></figure>\n",
      html_text(label), text);
}

std::string plot_page(std::string_view title, std::string_view body, std::string_view plot_script) {
  return html_page(title, kStyle, body, plot_script);
}

}  // namespace faceforge::evaluate
