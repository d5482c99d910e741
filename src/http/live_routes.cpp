#include <algorithm>
#include <chrono>
#include <utility>

#include "base/without_throwing.h"
#include "http/error_response.h"
#include "http/handlers.h"
#include "http/photo_media_type.h"
#include "http/socket_session.h"
#include "http/transport.h"
#include "recognition/recognition.h"
#include "recognition/report_json.h"

namespace faceforge::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kFrameIdBytes = 4;
static_assert(TransportLimits{}.socket_message_bytes ==
              kFrameIdBytes + recognition::kFrameLimits.bytes);
/// Frames in a row that cannot be looked at, before the socket ends.
constexpr int kMaxBadFrames = 10;
/// Troubles of our own in a row, before the socket ends: its client comes back after a pause.
constexpr int kMaxTroubles = 10;
/// Of a socket's troubles one is kept in the log in so long: each frame may have its own.
constexpr std::chrono::seconds kLogEvery{10};

/// A message: the frame's id as the client counts, big-endian, then a JPEG or WebP file.
struct Frame {
  uint32_t id = 0;
  std::span<const std::byte> file{};
};

/// The id is read from whatever there is, so that an error can name its frame.
uint32_t frame_id_of(std::span<const std::byte> message) {
  uint32_t id = 0;
  for (const std::byte byte : message.first(std::min(message.size(), kFrameIdBytes))) {
    id = id << 8 | std::to_integer<uint32_t>(byte);
  }
  return id;
}

Result<Frame> frame_from(std::span<const std::byte> message) {
  if (message.size() <= kFrameIdBytes) {
    return fail(ErrorCode::InvalidInput, "frame_malformed",
                "{} bytes; a frame is {} bytes of its id, then the picture", message.size(),
                kFrameIdBytes);
  }
  const auto file = message.subspan(kFrameIdBytes);
  const auto type = photo_media_type(file);
  if (type != "image/jpeg" && type != "image/webp") {
    return fail(ErrorCode::Unsupported, "frame_unsupported", "a frame is a JPEG or a WebP file");
  }
  return Frame{.id = frame_id_of(message), .file = file};
}

/// Whether an error is about the frame itself, so that the next one may be better.
bool is_about_the_frame(const Error& error) {
  return error.code == ErrorCode::InvalidInput || error.code == ErrorCode::TooLarge ||
         error.code == ErrorCode::Unsupported;
}

/// Whether no later frame can be answered either: the gallery is gone, or is of another model.
bool is_final(const Error& error) {
  return error.code == ErrorCode::NotFound || error.code == ErrorCode::Conflict;
}

float ms_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<float, std::milli>(end - begin).count();
}

/// One client who shows us frames.
class LiveSession final : public SocketSession {
 public:
  LiveSession(recognition::Recognition& recognition, recognition::GalleryWatch watch)
      : recognition_(recognition), watch_(std::move(watch)) {}
  ~LiveSession() override {
    // Where there is no memory to hand it over, a record is lost, and not the process.
    [[maybe_unused]] const auto ended = without_throwing([&]() -> Result<void> {
      recognition_.end_watch(watch_, time_ms(Clock::now()));
      return {};
    });
  }
  LiveSession(const LiveSession&) = delete;
  LiveSession& operator=(const LiveSession&) = delete;

  std::string greeting() override {
    return json::to_text(json::object{
        {"type", "ready"},
        {"version", watch_.version},
        {"is_recorded", watch_.recorded_since_ms.has_value()},
        {"limits",
         json::object{{"frame_bytes", recognition::kFrameLimits.bytes},
                      {"frame_megapixels", recognition::kFrameLimits.megapixels},
                      {"frames_per_second", TransportLimits{}.socket_messages_per_second}}}});
  }

  SocketReply answer(const SocketMessage& message, std::stop_token abandoned) override {
    const auto begin = Clock::now();
    const auto report = look(message, std::move(abandoned));
    if (!report) return failure(report.error(), message);
    bad_frames_ = 0;
    troubles_ = 0;
    json::object json = recognition::to_json(*report);
    json["type"] = "result";
    json["frame_id"] = frame_id_of(message.bytes);
    json["version"] = watch_.version;
    json["is_recorded"] = watch_.recorded_since_ms.has_value();
    json::object& times = json["times"].as_object();
    times["waited_ms"] = json::number(ms_between(message.received, begin));
    times["total_ms"] = json::number(ms_between(message.received, Clock::now()));
    json["received_count"] = message.received_count;
    json["dropped_count"] = message.dropped_count;
    return {.text = json::to_text(json)};
  }

  std::optional<SocketEnd> refresh() override {
    const auto refreshed = recognition_.refresh_watch(watch_, time_ms(Clock::now()));
    if (refreshed) return std::nullopt;
    log_now_and_then(refreshed.error());
    if (!is_final(refreshed.error())) return std::nullopt;
    return SocketEnd{.reason = refreshed.error().reason};
  }

 private:
  Result<recognition::WatchReport> look(const SocketMessage& message, std::stop_token abandoned) {
    const Frame frame = TRY(frame_from(message.bytes));
    return recognition_.watch(watch_, {frame.file, std::move(abandoned)},
                              time_ms(message.received));
  }

  /// On the clock of the watch.
  [[nodiscard]] int64_t time_ms(Clock::time_point time) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time - began_).count();
  }

  SocketReply failure(const Error& error, const SocketMessage& message) {
    log_now_and_then(error);
    json::object text{
        {"type", "error"}, {"frame_id", frame_id_of(message.bytes)}, {"error", to_json(error)}};
    if (const auto seconds = retry_after_s(error)) text["retry_after_s"] = *seconds;
    SocketReply reply{.text = json::to_text(text)};
    if (is_final(error)) {
      reply.end = {.reason = error.reason};
    } else if (is_own_trouble(error)) {
      if (++troubles_ == kMaxTroubles) {
        reply.end = {.reason = "answer_failed", .cause = SocketEnd::Cause::Failed};
      }
    } else if (is_about_the_frame(error) && ++bad_frames_ == kMaxBadFrames) {
      reply.end = {.reason = "frames_unusable"};
    }
    return reply;
  }

  void log_now_and_then(const Error& error) {
    if (!is_own_trouble(error) || Clock::now() < log_again_) return;
    log_own_trouble(error);
    log_again_ = Clock::now() + kLogEvery;
  }

  recognition::Recognition& recognition_;
  recognition::GalleryWatch watch_;
  const Clock::time_point began_ = Clock::now();
  int bad_frames_ = 0;  ///< in a row
  int troubles_ = 0;    ///< in a row
  Clock::time_point log_again_ = began_;
};

}  // namespace

Result<Response> watch_gallery(const Call& call) {
  const Query& query = call.target.query;
  TRY(query.allow({"false_positive_identification_rate"}));
  gallery::MatchRates rates;
  if (const auto rate = TRY(query.number("false_positive_identification_rate"))) {
    rates.false_positive_identification_rate = *rate;
  }
  recognition::Recognition& recognition = call.services.recognition;
  // It waits for nothing: openings have few threads, and nobody tells them that a client has gone.
  auto watch = TRY(
      recognition.begin_watch(call.user(), call.ids.id<gallery::GalleryId>("gallery_id"), rates));
  return Response{.status = 101,
                  .body = std::make_shared<LiveSession>(recognition, std::move(watch))};
}

}  // namespace faceforge::http
