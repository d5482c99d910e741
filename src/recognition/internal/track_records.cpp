#include "recognition/internal/track_records.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "image/resample.h"
#include "recognition/internal/face_memory.h"
#include "recognition/internal/one_face.h"

namespace faceforge::recognition::internal {
namespace {

bool is(const std::optional<Finding>& finding, gallery::Verdict verdict) {
  return finding && finding->verdict == verdict;
}

/// The pixels of the frame's image that a kept picture shows.
image::PixelRectangle kept_part(const image::Photo& frame, const face::BoundingBox& box) {
  const double scale = frame.scale();
  const double half_px = kKeptMargin / 2 * std::max(box.width, box.height) * scale;
  const auto clipped = [half_px](double center, int length_px) {
    const int begin = std::clamp(static_cast<int>(std::lround(center - half_px)), 0, length_px - 1);
    const int end =
        std::clamp(static_cast<int>(std::lround(center + half_px)), begin + 1, length_px);
    return std::pair(begin, end - begin);
  };
  const auto [x, width] = clipped(box.center_x() * scale, frame.image.width_px());
  const auto [y, height] = clipped(box.center_y() * scale, frame.image.height_px());
  return {.x = x, .y = y, .width = width, .height = height};
}

}  // namespace

KeptLook cut_out(const TrackLook& look) {
  const image::PixelRectangle part = kept_part(look.frame, look.face.box);
  KeptLook kept{.picture = image::crop(look.frame.image, part),
                .face = look.face,
                .quality = look.quality,
                .embedding = look.embedding,
                .seen_ms = look.time_ms};
  const int longest_px = std::max(part.width, part.height);
  const double shrink = std::min(1.0, static_cast<double>(kKeptSide_px) / longest_px);
  if (shrink < 1) {
    const auto side_px = [shrink](int length_px) {
      return std::max(1, static_cast<int>(std::lround(length_px * shrink)));
    };
    kept.picture = image::resize(kept.picture, side_px(part.width), side_px(part.height));
  }
  const auto scale = static_cast<float>(look.frame.scale() * shrink);
  const auto left = static_cast<float>(part.x * shrink);
  const auto top = static_cast<float>(part.y * shrink);
  face::BoundingBox& box = kept.face.box;
  box = {box.x * scale - left, box.y * scale - top, box.width * scale, box.height * scale};
  for (face::Point& point : kept.face.landmarks) {
    point = {point.x * scale - left, point.y * scale - top};
  }
  kept.face.contour.clear();
  return kept;
}

void TrackRecords::look(TrackId id, const TrackLook& look, float min_face_px) {
  Track& track = tracks_.try_emplace(id).first->second;
  TrackRecord& record = track.record;
  if (record.look_count == 0 && !track.finding) record.first_seen_ms = look.begun_ms;
  if (look.shown && track.finding && *look.shown != *track.finding) {
    const bool was_somebody = is(track.finding, gallery::Verdict::Match);
    hand_over(track);
    if (was_somebody) record.first_seen_ms = look.time_ms;
  }
  if (look.shown) track.finding = look.shown;
  record.last_seen_ms = look.time_ms;
  ++record.look_count;
  if (is(track.finding, gallery::Verdict::Match)) {
    record.person_id = track.finding->person_id;
    if (look.shown) record.similarity = std::max(record.similarity, look.similarity);
    record.best_look.reset();
    track.best_weight = 0;
    if (look.time_ms - record.first_seen_ms >= kHandOver_ms) hand_over(track);
    return;
  }
  const float weight = weight_of(look.quality);
  if (weight > track.best_weight && face_size_px(look.face) >= min_face_px) {
    track.best_weight = weight;
    record.best_look = cut_out(look);
  }
}

/// What is kept of the track so far; it begins anew with the last look.
void TrackRecords::hand_over(Track& track) {
  TrackRecord& record = track.record;
  if (!is(track.finding, gallery::Verdict::Match)) return;
  if (record.look_count > 0) finished_.push_back(std::move(record));
  record = {.first_seen_ms = record.last_seen_ms, .last_seen_ms = record.last_seen_ms};
}

void TrackRecords::end(TrackId id) {
  const auto found = tracks_.find(id);
  if (found == tracks_.end()) return;
  Track& track = found->second;
  hand_over(track);
  if (is(track.finding, gallery::Verdict::Unknown) && track.record.best_look) {
    finished_.push_back(std::move(track.record));
  }
  tracks_.erase(found);
}

void TrackRecords::end_all() {
  while (!tracks_.empty()) end(tracks_.begin()->first);
}

void TrackRecords::forget() {
  tracks_.clear();
  finished_.clear();
}

std::vector<TrackRecord> TrackRecords::take() {
  return std::exchange(finished_, {});
}

}  // namespace faceforge::recognition::internal
