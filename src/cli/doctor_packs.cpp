#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "cli/doctor.h"
#include "cli/pack_choice.h"
#include "image/image.h"
#include "packs/recommend.h"
#include "vision/pipeline.h"

namespace faceforge::cli {
namespace {

constexpr int kWidth_px = 640;
constexpr int kHeight_px = 480;

/// Waves of colour: what a network makes of it costs as much as a photo.
image::Photo made_picture() {
  image::Image picture = image::Image::create(kWidth_px, kHeight_px);
  for (int y = 0; y < kHeight_px; ++y) {
    for (int x = 0; x < kWidth_px * 3; ++x) {
      picture.row(y)[static_cast<size_t>(x)] = static_cast<uint8_t>(x * 7 + y * 5 + x * y / 64);
    }
  }
  return {.image = std::move(picture), .width_px = kWidth_px, .height_px = kHeight_px};
}

/// A face of 200 px in the middle of it, and the 68 points of its outline on two rings: what is
/// aligned is no face, and takes as long as one.
face::DetectedFace made_face() {
  face::DetectedFace face{
      .box = {.x = 220, .y = 120, .width = 200, .height = 240},
      .detection_score = 1,
      .landmarks = {{{280, 210}, {360, 210}, {320, 260}, {290, 310}, {350, 310}}}};
  for (int index = 0; index < 68; ++index) {
    const float across = static_cast<float>(index % 9) - 4;
    const float down = static_cast<float>(index / 9) - 3.5F;
    face.contour.push_back({320 + across * 20, 240 + down * 28});
  }
  return face;
}

/// The median of three calls in milliseconds, after one that is not counted.
template <typename Call>
Result<double> median_ms(const Call& call) {
  using std::chrono::steady_clock;
  TRY(call());
  std::array<double, 3> times_ms{};
  for (double& time_ms : times_ms) {
    const auto start = steady_clock::now();
    TRY(call());
    time_ms = std::chrono::duration<double, std::milli>(steady_clock::now() - start).count();
  }
  std::ranges::sort(times_ms);
  return times_ms[1];
}

Result<Finding> measure_speed(const vision::Pipeline& pipeline) {
  const image::Photo photo = made_picture();
  const face::DetectedFace face = made_face();
  const auto detect = [&]() -> Result<void> {
    TRY(pipeline.detect(photo));
    return {};
  };
  const auto embed = [&]() -> Result<void> {
    const face::AlignedFace aligned = TRY(pipeline.align(photo, face));
    TRY(pipeline.embed({&aligned, 1}));
    return {};
  };
  const double detect_ms = TRY(median_ms(detect));
  const double embed_ms = TRY(median_ms(embed));
  return Finding{
      .check = "speed",
      .message = fmt::format("{:.0f} ms to look for faces in {}x{} px, {:.0f} ms more a face, on "
                             "one core",
                             detect_ms, kWidth_px, kHeight_px, embed_ms),
      .figures = {{"detect_ms", json::number(static_cast<float>(detect_ms))},
                  {"embed_ms", json::number(static_cast<float>(embed_ms))}}};
}

Finding pack_fault(std::string check, const Error& error) {
  return {.check = std::move(check),
          .state = FindingState::Fault,
          .message = error.message,
          .advice = error.code == ErrorCode::Corrupt
                        ? "Install it again: `faceforge packs install ID`."
                        : "`faceforge packs list` shows what there is.",
          .error = error};
}

Finding check_calibration(const vision::PipelineSpec& spec) {
  if (spec.calibration) {
    const auto& points = spec.calibration->points;
    return {.check = "calibration",
            .message = fmt::format("measured with {} pairs of strangers, down to a false match "
                                   "rate of {:g}",
                                   spec.calibration->impostor_pair_count,
                                   points.empty() ? 1.0 : points.back().false_match_rate)};
  }
  const Error error{ErrorCode::Conflict, "pack_not_calibrated",
                    fmt::format("the pack {} has no calibration of its model {}: it can judge "
                                "nobody",
                                spec.pack_id, spec.model_id.hex().substr(0, 12))};
  Finding finding = pack_fault("calibration", error);
  finding.advice = fmt::format(
      "`faceforge evaluate calibrate --pack {} --images DIR --write-card`, or another --pack.",
      spec.pack_id);
  return finding;
}

Finding check_pack(const vision::Pipeline& pipeline) {
  const vision::PipelineSpec& spec = pipeline.spec();
  const int length = vision::embedding_length(spec.embedders);
  return {.check = "pack",
          .message = fmt::format("{} loads: model {}, {} numbers a face, {}", spec.pack_id,
                                 pipeline.model_id().hex().substr(0, 12), length,
                                 face::to_string(spec.metric)),
          .figures = {{"id", spec.pack_id},
                      {"model_id", pipeline.model_id().hex()},
                      {"embedding_length", length}}};
}

std::string advice_of(const packs::Recommendation& made) {
  std::string advice;
  for (const packs::Suggestion& one : made.suggestions) {
    advice += fmt::format("{}{}: `{}`, {}", advice.empty() ? "" : "; or ", one.card.id, one.command,
                          one.note);
  }
  return advice + ". Then train the galleries again.";
}

}  // namespace

std::vector<Finding> check_packs(const DoctorOptions& options) {
  std::vector<Finding> findings;
  const PackChoice choice{.data_folder = options.installation.data_folder, .pack = options.pack};
  const auto pipeline = open_pipeline(choice);
  if (!pipeline) {
    findings.push_back(pack_fault("pack", pipeline.error()));
  } else {
    findings.push_back(check_pack(**pipeline));
    findings.push_back(check_calibration((*pipeline)->spec()));
    auto speed = measure_speed(**pipeline);
    findings.push_back(speed ? *std::move(speed) : pack_fault("speed", speed.error()));
  }
  const auto entries = [&]() -> Result<std::vector<packs::PackEntry>> {
    const packs::Registry registry = TRY(registry_of(choice.data_folder));
    return registry.list();
  }();
  if (!entries) {
    findings.push_back(pack_fault("packs", entries.error()));
    return findings;
  }
  for (const packs::PackEntry& entry : *entries) {
    if (!entry.fault || (!pipeline && options.pack == entry.card.id)) continue;
    findings.push_back({.check = "other_pack",
                        .state = FindingState::Hint,
                        .message = entry.fault->message,
                        .advice = fmt::format("Install {0} again, or `faceforge packs remove {0}`.",
                                              entry.card.id)});
  }
  const auto better =
      pipeline ? packs::recommend(*entries, (*pipeline)->spec().pack_id) : std::nullopt;
  if (better) {
    findings.push_back({.check = "better_pack",
                        .state = FindingState::Hint,
                        .message = better->summary,
                        .advice = advice_of(*better)});
  }
  return findings;
}

}  // namespace faceforge::cli
