#include "dataset/photo_pages.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "base/html_page.h"
#include "dataset/picture.h"

namespace faceforge::dataset {
namespace {

constexpr int kThumbnail_px = 220;

constexpr std::string_view kStyle = R"(
.row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.row figure { margin: 0; width: 9rem; }
.row figure.large { width: min(13rem, calc(50% - .5rem)); }
.row img { width: 100%; border-radius: 8px; display: block; }
.row .none { aspect-ratio: 1; border-radius: 8px; border: 1px dashed var(--line); display: grid;
  place-items: center; color: var(--quiet); font-size: .8rem; }
figcaption { font-size: .8rem; color: var(--quiet); overflow-wrap: anywhere; margin-top: .25rem; }
figcaption b { color: var(--ink); }
.why { font-size: .75rem; font-weight: 600; border-radius: 999px; padding: .15rem .6rem;
  margin-left: .5rem; border: 1px solid var(--second); color: var(--second); white-space: nowrap; }
)";

std::string figure(std::string_view kind, const std::string& picture, const std::string& caption) {
  const std::string shown = picture.empty() ? "<div class=\"none\">no picture</div>"
                                            : fmt::format("<img alt=\"\" src=\"{}\">", picture);
  return fmt::format("<figure class=\"{}\">{}<figcaption>{}</figcaption></figure>\n", kind, shown,
                     caption);
}

std::string_view sentence_of(Doubt doubt) {
  switch (doubt) {
    case Doubt::SecondFace:
      return "another face in the photo is the person";
    case Doubt::Mislabelled:
      return "looks like someone else of this folder";
    case Doubt::Unlike:
      return "not like the person's other photos";
  }
  return "";
}

/// The photos that stand for people: the sharpest face of each that nobody doubts.
class Portraits {
 public:
  Portraits(const LookedPeople& people, const SuspectReport& report)
      : people_(people), best_(people.people.size()) {
    std::set<size_t> doubted;
    for (const Suspect& suspect : report.suspects) doubted.insert(suspect.photo_index);
    for (size_t i = 0; i < people.photos.size(); ++i) {
      if (people.photos[i].facts.faces.empty() || doubted.contains(i)) continue;
      auto& best = best_[people.photos[i].person_index];
      if (!best || sharpness(i) > sharpness(*best)) best = i;
    }
  }

  [[nodiscard]] std::string picture_of(size_t person_index, const CropPhoto& crop_photo) const {
    const auto& photo = best_[person_index];
    if (!photo) return "";
    return picture_url(square_crop(crop_photo, people_.photos[*photo].file, kDefaultSide_px));
  }

 private:
  [[nodiscard]] float sharpness(size_t photo) const {
    return people_.photos[photo].facts.faces.front().quality.sharpness;
  }

  const LookedPeople& people_;
  std::vector<std::optional<size_t>> best_;
};

std::string suspect_section(const LookedPeople& people, const Suspect& suspect,
                            const Portraits& portraits, const CropPhoto& crop_photo) {
  const LookedPhoto& photo = people.photos[suspect.photo_index];
  std::string html =
      fmt::format("<section><h2>{}<span class=\"why\">{}</span></h2>\n<div class=\"row\">\n",
                  html_text(people.name_of(suspect.photo_index)), sentence_of(suspect.doubt));
  html += figure("large", picture_url(thumbnail(photo.file, kThumbnail_px)),
                 fmt::format("the photo, {}x{}", photo.facts.width_px, photo.facts.height_px));
  html += figure("", picture_url(square_crop(crop_photo, photo.file, kDefaultSide_px)),
                 "its central face");
  html += figure("", portraits.picture_of(photo.person_index, crop_photo),
                 fmt::format("<b>{}</b><br>similarity {:.3f}",
                             html_text(people.people[photo.person_index]), suspect.own_similarity));
  if (suspect.other_person_index) {
    html += figure("", portraits.picture_of(*suspect.other_person_index, crop_photo),
                   fmt::format("<b>{}</b>, most similar of all others<br>similarity {:.3f}",
                               html_text(people.people[*suspect.other_person_index]),
                               suspect.other_similarity));
  }
  html += "</div>\n";
  if (suspect.doubt == Doubt::SecondFace) {
    html += fmt::format(
        "<p class=\"quiet\">Another face in this photo has similarity {:.3f} to {}."
        "</p>\n",
        suspect.second_face_similarity, html_text(people.people[photo.person_index]));
  }
  return html + "</section>\n";
}

std::string not_shown(size_t count) {
  if (count <= kMaxShownPhotos) return "";
  return fmt::format("<p>{} more are not shown; all are in the list that --json prints.</p>\n",
                     count - kMaxShownPhotos);
}

std::string duplicate_section(const LookedPeople& people, const DuplicateGroup& group) {
  const auto picture = [&](size_t index) {
    return picture_url(thumbnail(people.photos[index].file, kThumbnail_px));
  };
  const auto size = [&](size_t index) {
    const PhotoFacts& facts = people.photos[index].facts;
    return fmt::format("{}x{}", facts.width_px, facts.height_px);
  };
  std::string html = fmt::format(
      "<section><h2>{}{}</h2>\n<div class=\"row\">\n", html_text(people.name_of(group.kept_index)),
      group.is_across_people ? "<span class=\"why\">under more than one name</span>" : "");
  // Under two names, nobody but its owner knows which one is right.
  html += figure("large", picture(group.kept_index),
                 (group.is_across_people ? "" : "<b>to keep</b>, ") + size(group.kept_index));
  for (const DuplicatePhoto& other : group.others) {
    const std::string how = other.is_exact
                                ? "the same bytes"
                                : fmt::format("{} of 64 bits differ, faces {:.3f} similar",
                                              other.differing_bits, other.similarity);
    html += figure("large", picture(other.photo_index),
                   fmt::format("<b>{}</b><br>{}, {}", html_text(people.name_of(other.photo_index)),
                               size(other.photo_index), how));
  }
  return html + "</div></section>\n";
}

}  // namespace

std::string suspects_page(const std::string& title, const LookedPeople& people,
                          const SuspectReport& report, const CropPhoto& crop_photo) {
  const Portraits portraits(people, report);
  std::string body = fmt::format(
      "<h1>{}</h1>\n<p>{} of {} photos disagree with the person they are filed under. Nothing is "
      "decided: look at each.</p>\n<p class=\"quiet\">A photo agrees from a similarity of {:.3f} "
      "to its person's others on, and is someone else of the folder from {:.3f} on. {} photos show "
      "no face; {} are the only ones of their person and cannot be judged.</p>\n",
      html_text(title), report.suspects.size(), report.judged_count, report.agreement_similarity,
      report.other_similarity, report.faceless_count, report.alone_count);
  for (size_t i = 0; i < std::min(report.suspects.size(), kMaxShownPhotos); ++i) {
    body += suspect_section(people, report.suspects[i], portraits, crop_photo);
  }
  return html_page(title, kStyle, body + not_shown(report.suspects.size()));
}

std::string duplicates_page(const std::string& title, const LookedPeople& people,
                            const std::vector<DuplicateGroup>& groups) {
  std::string body = fmt::format("<h1>{}</h1>\n<p>{} photos are there more than once.</p>\n",
                                 html_text(title), groups.size());
  for (size_t i = 0; i < std::min(groups.size(), kMaxShownPhotos); ++i) {
    body += duplicate_section(people, groups[i]);
  }
  return html_page(title, kStyle, body + not_shown(groups.size()));
}

}  // namespace faceforge::dataset
