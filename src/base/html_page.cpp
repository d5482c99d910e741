#include "base/html_page.h"

#include <fmt/format.h>
#include <sodium.h>

#include "base/unicode.h"

namespace faceforge {
namespace {

/// What is wider than its place shows by a shade that there is more on that side: the surface
/// covers the shade where the scrolled content ends (source: Verou 2012, "Scrolling shadows"). A
/// plot that Vega draws, `.marks`, and its tooltip, outside of `main`, keep a look of their own.
constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ground: #f6f7f7; --surface: #fff; --line: #dfe4e3;
  --ink: #14201e; --quiet: #5a6a67; --first: #0f766e; --second: #b45309; --shade: #0003; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #101615; --surface: #182120; --line: #2d3a38;
    --ink: #e6eeec; --quiet: #9db0ac; --first: #2dd4bf; --second: #fbbf24; --shade: #000a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem;
  background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 12px;
  padding: 1rem; margin: 1rem 0; }
:where(main) table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
:where(main) th, :where(main) td { text-align: left; padding: .2rem 1rem .2rem 0;
  border-bottom: 1px solid var(--line); }
:where(main) th { color: var(--quiet); font-weight: 600; font-size: .85rem; }
p { overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .875rem; }
svg { display: block; margin-top: .75rem; overflow: visible; }
svg:not(.marks) text { fill: var(--ink); font-size: 12px; }
svg:not(.marks) text.quiet { fill: var(--quiet); font-size: 11px; }
svg:not(.marks) line { stroke: var(--line); }
.wide { overflow-x: auto; background: linear-gradient(to right, var(--surface) 40%, transparent),
  linear-gradient(to left, var(--surface) 40%, transparent) 100% 0,
  linear-gradient(to right, var(--shade), transparent),
  linear-gradient(to left, var(--shade), transparent) 100% 0;
  background-size: 3rem 100%, 3rem 100%, 1rem 100%, 1rem 100%; background-repeat: no-repeat;
  background-attachment: local, local, scroll, scroll; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
  gap: .75rem; }
.figures > div { background: var(--surface); border: 1px solid var(--line); border-radius: 12px;
  padding: .75rem 1rem; }
.figures b { display: block; font-size: 1.5rem; line-height: 1.3;
  font-variant-numeric: tabular-nums; }
.figures span { color: var(--quiet); font-size: .85rem; display: block; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .3em; }
)";

/// A page shows the pictures that are in it, and asks nobody for anything.
constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:";
constexpr std::string_view kScriptPolicy = "; script-src 'unsafe-inline'";

}  // namespace

std::string html_text(std::string_view text) {
  std::string result;
  for (const char character : to_valid_utf8(text)) {
    switch (character) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += character;
    }
  }
  return result;
}

std::string key_figure(std::string_view name, std::string_view value, std::string_view more) {
  return fmt::format("<div><span>{}</span><b>{}</b><span>{}</span></div>\n", html_text(name),
                     html_text(value), html_text(more));
}

std::string html_page(std::string_view title, std::string_view style, std::string_view body,
                      std::string_view script) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title><style>{}{}</style>\n<main>{}</main>\n{}</html>\n",
      kPolicy, script.empty() ? "" : kScriptPolicy, html_text(title), kStyle, style, body,
      script.empty() ? "" : fmt::format("<script>{}</script>\n", script));
}

std::string data_url(std::string_view media_type, std::span<const std::byte> bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kVariant);
  text.pop_back();  // the final NUL
  return fmt::format("data:{};base64,{}", media_type, text);
}

}  // namespace faceforge
