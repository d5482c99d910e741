#include "dataset/stats_page.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "base/html_page.h"
#include "base/unicode.h"
#include "dataset/picture.h"
#include "image/draw.h"

namespace faceforge::dataset {
namespace {

constexpr int kColumns = 8;
constexpr int kGap_px = 8;
constexpr int kLabel_px = 16;
constexpr image::Colour kPaper{246, 247, 247};

constexpr std::string_view kStyle = R"(
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; }
.tile { background: var(--surface); border: 1px solid var(--line); border-radius: 12px;
  padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
.charts section { margin: 0; }
.bar { fill: var(--first); } .bar:hover { fill: var(--second); }
.faces { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); }
.faces figure { margin: 0; }
.faces img { width: 100%; aspect-ratio: 1; border-radius: 8px; display: block; }
figcaption { font-size: .8rem; color: var(--quiet); overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
)";

std::string tile(size_t number, std::string_view label) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span class=\"quiet\">{}</span></div>\n", number,
                     label);
}

/// Columns over their labels. Positions across are in percent and down in pixels, so that the plot
/// fits any width and its letters stay as large as the page's.
std::string columns(const std::vector<Bin>& bins) {
  constexpr int kTop_px = 18;
  constexpr int kHigh_px = 120;
  constexpr int kFoot_px = 20;
  constexpr double kFilled = 0.78;
  size_t largest = 1;
  for (const Bin& bin : bins) largest = std::max(largest, bin.count);
  const double width = 100.0 / static_cast<double>(bins.size());
  std::string svg =
      fmt::format("<svg width=\"100%\" height=\"{}\" role=\"img\">", kTop_px + kHigh_px + kFoot_px);
  for (size_t i = 0; i < bins.size(); ++i) {
    const double share = static_cast<double>(bins[i].count) / static_cast<double>(largest);
    const double high_px = bins[i].count == 0 ? 0 : std::max(2.0, share * kHigh_px);
    const double left = (static_cast<double>(i) + (1 - kFilled) / 2) * width;
    const double middle = (static_cast<double>(i) + 0.5) * width;
    const double top_px = kTop_px + kHigh_px - high_px;
    svg += fmt::format(
        R"(<g><title>{0}: {1}</title>)"
        R"(<rect class="bar" x="{2:.2f}%" y="{3:.1f}" width="{4:.2f}%" height="{5:.1f}" rx="2"/>)"
        R"(<text class="quiet" x="{6:.2f}%" y="{7:.1f}" text-anchor="middle">{8}</text>)"
        R"(<text class="quiet" x="{6:.2f}%" y="{9}" text-anchor="middle">{0}</text></g>)",
        html_text(bins[i].label), bins[i].count, left, top_px, kFilled * width, high_px, middle,
        top_px - 4, bins[i].count == 0 ? "" : fmt::format("{}", bins[i].count),
        kTop_px + kHigh_px + kFoot_px - 5);
  }
  return svg +
         fmt::format(R"(<line x1="0" x2="100%" y1="{0}" y2="{0}"/></svg>)", kTop_px + kHigh_px) +
         "\n";
}

std::string chart(const Distribution& distribution) {
  return fmt::format(
      "<section><h2>{}</h2><span class=\"quiet\">{}; median {:.3g}</span>\n{}</section>\n",
      html_text(distribution.title), html_text(distribution.explanation), distribution.median,
      columns(distribution.bins));
}

std::string largest_table(const std::vector<PersonSize>& people) {
  std::string html = "<section><h2>Most photos</h2><table><tr><th>person<th>photos</tr>\n";
  for (const PersonSize& person : people) {
    html += fmt::format("<tr><td>{}<td>{}</tr>\n", html_text(person.name), person.photo_count);
  }
  return html + "</table></section>\n";
}

std::string face_grid(const std::vector<SheetFace>& faces) {
  if (faces.empty()) return "";
  std::string html = "<section><h2>Contact sheet</h2>\n<div class=\"faces\">\n";
  for (const SheetFace& face : faces) {
    html += fmt::format(
        "<figure><img alt=\"\" src=\"{}\"><figcaption title=\"{}\">{}</figcaption>"
        "</figure>\n",
        picture_url(face.crop.clone()), html_text(face.person), html_text(face.person));
  }
  return html + "</div></section>\n";
}

std::string skipped_table(const std::vector<Skipped>& skipped) {
  if (skipped.empty()) return "";
  std::string html = "<section><h2>Could not be used</h2><table><tr><th>photo<th>why</tr>\n";
  for (const Skipped& one : skipped) {
    html +=
        fmt::format("<tr><td>{}<td>{} <span class=\"quiet\">{}</span></tr>\n", html_text(one.name),
                    html_text(one.error.message), html_text(one.error.reason));
  }
  return html + "</table></section>\n";
}

void paste(const image::Image& from, image::Image& onto, int left, int top) {
  const auto bytes_of = [](int pixels) { return static_cast<size_t>(pixels) * image::kChannels; };
  for (int y = 0; y < from.height_px(); ++y) {
    std::ranges::copy(from.row(y), onto.row(top + y).subspan(bytes_of(left)).begin());
  }
}

image::Image paper(int width_px, int height_px) {
  image::Image made = image::Image::create(width_px, height_px);
  for (size_t i = 0; i < made.pixels().size(); ++i) made.pixels()[i] = kPaper[i % kPaper.size()];
  return made;
}

/// A face with its person's name under it.
Result<image::Image> labelled(const SheetFace& face) {
  constexpr size_t kMaxLabelBytes = 18;  // as many letters as are as wide as the face
  image::Image cell = paper(face.crop.width_px(), face.crop.height_px() + kLabel_px);
  paste(face.crop, cell, 0, 0);
  const std::string name = to_valid_utf8(face.person).substr(0, kMaxLabelBytes);
  const image::Point2f place{.x = 0, .y = static_cast<float>(face.crop.height_px())};
  TRY(image::draw_label(cell, to_valid_utf8(name), place, kLabel_px, kPaper));
  return cell;
}

}  // namespace

std::vector<SheetFace> sheet_faces(const LookedPeople& people, const CropPhoto& crop_photo,
                                   size_t count) {
  std::vector<SheetFace> faces;
  for (const size_t photo : contact_sheet_photos(people, count)) {
    auto crop = square_crop(crop_photo, people.photos[photo].file, kDefaultSide_px);
    if (!crop) continue;
    faces.push_back(
        {.person = people.people[people.photos[photo].person_index], .crop = *std::move(crop)});
  }
  return faces;
}

Result<image::Image> contact_sheet(const std::vector<SheetFace>& faces) {
  CHECK(!faces.empty() && faces.size() <= kMaxSheetFaces);
  const int count = static_cast<int>(faces.size());
  const int across = std::min(count, kColumns);
  const int down = (count + kColumns - 1) / kColumns;
  constexpr int kCellWidth_px = kDefaultSide_px + kGap_px;
  constexpr int kCellHeight_px = kDefaultSide_px + kLabel_px + kGap_px;
  image::Image sheet = paper(across * kCellWidth_px + kGap_px, down * kCellHeight_px + kGap_px);
  for (int i = 0; i < count; ++i) {
    const image::Image cell = TRY(labelled(faces[static_cast<size_t>(i)]));
    paste(cell, sheet, kGap_px + i % kColumns * kCellWidth_px,
          kGap_px + i / kColumns * kCellHeight_px);
  }
  return sheet;
}

std::string stats_page(const std::string& title, const DatasetStats& stats,
                       const std::vector<Skipped>& skipped, const std::vector<SheetFace>& faces) {
  std::string body = fmt::format("<h1>{}</h1>\n<div class=\"tiles\">\n", html_text(title));
  body += tile(stats.person_count, "people");
  body += tile(stats.photo_count, "photos");
  body += tile(stats.pair_count, "pairs of one person");
  body += tile(stats.faceless_count, "photos without a face");
  body += tile(stats.several_faces_count, "with more than one face");
  body += tile(skipped.size(), "could not be used");
  body += "</div>\n" + face_grid(faces) + "<div class=\"charts\">\n";
  body += chart(stats.photos_a_person);
  for (const Distribution& distribution : stats.quality) body += chart(distribution);
  body += largest_table(stats.largest) + "</div>\n" + skipped_table(skipped);
  return html_page(title, kStyle, body);
}

}  // namespace faceforge::dataset
