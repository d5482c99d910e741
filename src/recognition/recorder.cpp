#include "recognition/recorder.h"

#include <string>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/without_throwing.h"
#include "image/encode.h"

namespace faceforge::recognition {
namespace {

/// Little is lost of a face that will be enrolled.
constexpr int kJpegQuality = 95;

/// Whether an error says that there is nothing to be kept, which is as it should be: recording was
/// turned off, or all that was recorded, the person or the gallery was deleted, while the record
/// waited; or a picture that stands still was seen again.
bool is_moot(const Error& error) {
  return error.code == ErrorCode::NotFound || error.reason == "recording_off" ||
         error.reason == "unknown_face_duplicate";
}

}  // namespace

Recorder::Recorder(gallery::Galleries& galleries) : galleries_(galleries) {}

Recorder::~Recorder() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void Recorder::keep(gallery::UserId user, gallery::GalleryId gallery,
                    std::vector<TrackRecord> records, UnixTime_ms began_ms) {
  if (records.empty()) return;
  const bool runs = is_running();
  for (TrackRecord& record : records) {
    auto place = places_.hold(std::to_string(user.value()));
    const bool is_queued =
        runs && place &&
        queue_.try_push({user, gallery, std::move(record), began_ms, *std::move(place)});
    if (!is_queued) ++lost_count_;
  }
}

/// Begins the thread, if it does not run yet.
bool Recorder::is_running() {
  const std::scoped_lock lock(starting_);
  if (thread_.joinable()) return true;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    log::warning("no thread for recording; what live streams show is not kept");
    return false;
  }
  return true;
}

void Recorder::run() {
  int64_t told_lost_count = 0;
  while (const auto waiting = queue_.pop()) {
    const auto written = without_throwing([&] { return write(*waiting); });
    if (!written && !is_moot(written.error())) {
      log::warning("what a live stream showed could not be kept: {}", written.error().reason);
    }
    if (const int64_t lost_count = lost_count_; lost_count > told_lost_count) {
      log::warning("{} sightings and faces were not kept: writing them took too long",
                   lost_count - told_lost_count);
      told_lost_count = lost_count;
    }
  }
}

Result<void> Recorder::write(const Waiting& waiting) {
  const TrackRecord& record = waiting.record;
  const UnixTime_ms first_seen_ms = waiting.began_ms + record.first_seen_ms;
  const UnixTime_ms last_seen_ms = waiting.began_ms + record.last_seen_ms;
  if (record.person_id) {
    return galleries_.add_sighting(waiting.user, waiting.gallery,
                                   {.person_id = *record.person_id,
                                    .first_seen_ms = first_seen_ms,
                                    .last_seen_ms = last_seen_ms,
                                    .similarity = record.similarity,
                                    .look_count = record.look_count});
  }
  if (!record.best_look) return {};
  const KeptLook& look = *record.best_look;
  const auto picture = TRY(image::encode_jpeg(look.picture, kJpegQuality));
  TRY(galleries_.add_unknown_face(waiting.user, waiting.gallery,
                                  {.picture = picture,
                                   .width_px = look.picture.width_px(),
                                   .height_px = look.picture.height_px(),
                                   .face = look.face,
                                   .quality = look.quality,
                                   .embedding = look.embedding,
                                   .first_seen_ms = first_seen_ms,
                                   .pictured_ms = waiting.began_ms + look.seen_ms,
                                   .last_seen_ms = last_seen_ms,
                                   .look_count = record.look_count}));
  return {};
}

}  // namespace faceforge::recognition
