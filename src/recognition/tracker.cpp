#include "recognition/tracker.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "recognition/internal/assignment.h"
#include "recognition/internal/box_filter.h"

namespace faceforge::recognition {
namespace {

/// Overlaps (IoU) from which a face may be a track's: a sure face may have moved freely, a doubtful
/// one must lie where it is expected, as ByteTrack has it.
constexpr float kSureOverlap = 0.2F;
constexpr float kDoubtfulOverlap = 0.5F;
/// Faces that overlap another face, or where another track is expected, by more may be mixed up.
constexpr float kContestedOverlap = 0.05F;

std::vector<size_t> indices(size_t from, size_t to) {
  std::vector<size_t> all;
  for (size_t index = from; index < to; ++index) all.push_back(index);
  return all;
}

}  // namespace

struct Tracker::Track {
  TrackId id{};
  internal::BoxFilter filter;
  int64_t seen_ms = 0;  ///< when it last had a face
  int64_t frame_count = 1;
  bool was_seen = true;                ///< in the frame before
  std::optional<size_t> face_index{};  ///< in this frame
};

struct Tracker::Frame {
  int64_t time_ms = 0;
  std::vector<face::BoundingBox> faces{};  ///< the sure ones, then the doubtful ones
  size_t sure_count = 0;
  std::vector<face::BoundingBox> expected{};  ///< of each track

  Frame(const FrameFaces& found) : sure_count(found.sure.size()) {
    for (const face::DetectedFace& face : found.sure) faces.push_back(face.box);
    for (const face::DetectedFace& face : found.doubtful) faces.push_back(face.box);
  }
};

Tracker::Tracker() = default;
Tracker::~Tracker() = default;
Tracker::Tracker(Tracker&&) noexcept = default;
Tracker& Tracker::operator=(Tracker&&) noexcept = default;

TrackerUpdate Tracker::update(int64_t time_ms, const FrameFaces& found) {
  CHECK(found.sure.size() + found.doubtful.size() <= kMaxFaces);
  Frame frame(found);
  predict(frame, time_ms);
  pair(frame, {.tracks = indices(0, tracks_.size()),
               .faces = indices(0, frame.sure_count),
               .min_overlap = kSureOverlap});
  Stage doubtful{.tracks = indices(0, tracks_.size()),
                 .faces = indices(frame.sure_count, frame.faces.size()),
                 .min_overlap = kDoubtfulOverlap};
  std::erase_if(doubtful.tracks, [&](size_t index) {
    const Track& track = tracks_[index];
    return track.face_index || !track.was_seen || track.frame_count < 2;
  });
  pair(frame, doubtful);
  return conclude(frame);
}

void Tracker::predict(Frame& frame, int64_t time_ms) {
  const int64_t passed_ms = std::max<int64_t>(0, time_ms - time_ms_.value_or(time_ms));
  frame.time_ms = time_ms_.value_or(time_ms) + passed_ms;
  time_ms_ = frame.time_ms;
  for (Track& track : tracks_) {
    track.was_seen = track.face_index.has_value();
    track.face_index.reset();
    track.filter.predict(static_cast<float>(passed_ms) / 1'000);
    frame.expected.push_back(track.filter.box());
  }
}

void Tracker::pair(const Frame& frame, const Stage& stage) {
  std::vector<float> costs;
  for (const size_t track : stage.tracks) {
    for (const size_t face : stage.faces) {
      costs.push_back(1 - face::intersection_over_union(frame.expected[track], frame.faces[face]));
    }
  }
  const auto pairs =
      internal::assign(costs, stage.tracks.size(), stage.faces.size(), 1 - stage.min_overlap);
  for (size_t row = 0; row < pairs.size(); ++row) {
    if (pairs[row]) tracks_[stage.tracks[row]].face_index = stage.faces[*pairs[row]];
  }
}

Continuity Tracker::continuity(const Frame& frame, size_t track_index) const {
  const Track& track = tracks_[track_index];
  const face::BoundingBox& box = frame.faces[*track.face_index];
  const auto is_near = [&](const face::BoundingBox& other) {
    return face::intersection_over_union(box, other) > kContestedOverlap;
  };
  for (size_t face = 0; face < frame.sure_count; ++face) {
    if (face != *track.face_index && is_near(frame.faces[face])) return Continuity::Contested;
  }
  for (size_t other = 0; other < frame.expected.size(); ++other) {
    if (other != track_index && is_near(frame.expected[other])) return Continuity::Contested;
  }
  return track.was_seen ? Continuity::Followed : Continuity::Regained;
}

TrackerUpdate Tracker::conclude(const Frame& frame) {
  TrackerUpdate update;
  std::vector<bool> taken(frame.faces.size(), false);
  for (size_t index = 0; index < tracks_.size(); ++index) {
    Track& track = tracks_[index];
    if (!track.face_index) continue;
    taken[*track.face_index] = true;
    track.filter.update(frame.faces[*track.face_index]);
    track.seen_ms = frame.time_ms;
    ++track.frame_count;
    update.faces.push_back({.track = track.id,
                            .face_index = *track.face_index,
                            .continuity = continuity(frame, index),
                            .velocity = track.filter.velocity()});
  }
  std::erase_if(tracks_, [&](const Track& track) {
    const bool waits = track.frame_count > 1 && frame.time_ms - track.seen_ms <= kPatience_ms;
    if (track.face_index || waits) return false;
    update.ended.push_back(track.id);
    return true;
  });
  for (size_t face = 0; face < frame.sure_count && tracks_.size() < kMaxTracks; ++face) {
    if (taken[face]) continue;
    tracks_.push_back({.id = TrackId(++last_number_),
                       .filter = internal::BoxFilter(frame.faces[face]),
                       .seen_ms = frame.time_ms,
                       .face_index = face});
    update.faces.push_back({.track = tracks_.back().id, .face_index = face});
  }
  return update;
}

TrackId Tracker::renumber(TrackId track) {
  const auto found = std::ranges::find(tracks_, track, &Track::id);
  CHECK(found != tracks_.end());
  found->id = TrackId(++last_number_);
  return found->id;
}

}  // namespace faceforge::recognition
