#include "vision/pipeline.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"
#include "vision/internal/align.h"
#include "vision/internal/batches.h"
#include "vision/internal/contour.h"
#include "vision/internal/detector.h"
#include "vision/internal/embedder.h"
#include "vision/internal/liveness.h"
#include "vision/internal/quality.h"

namespace faceforge::vision {
namespace {

/// From pixels of the working image to those of the full-size photo.
face::BoundingBox enlarged(const face::BoundingBox& box, float factor) {
  return {box.x * factor, box.y * factor, box.width * factor, box.height * factor};
}

face::Point enlarged(const face::Point& point, float factor) {
  return {point.x * factor, point.y * factor};
}

Result<void> check_embedder(const EmbedderSpec& embedder, const PipelineSpec& spec) {
  const LandmarkTemplate& tmpl = embedder.landmark_template;
  const size_t wanted =
      tmpl.contour_indices.empty() ? face::kLandmarkCount : tmpl.contour_indices.size();
  const bool indices_exist = std::ranges::all_of(tmpl.contour_indices, [](int index) {
    return index >= 0 && std::cmp_less(index, kContourPointCount);
  });
  if (tmpl.side_px < 1 || tmpl.points.size() != wanted || !indices_exist) {
    return fail(ErrorCode::Corrupt, "card_inconsistent",
                "the landmark template `{}` of pack `{}` has {} points where {} are needed",
                tmpl.name, spec.pack_id, tmpl.points.size(), wanted);
  }
  const bool wants_contour = !tmpl.contour_indices.empty() || finds_boxes_only(spec.detector.head);
  if (wants_contour && !spec.contour) {
    return fail(ErrorCode::Corrupt, "card_inconsistent",
                "pack `{}` needs a network for the 68 points of a face and names none",
                spec.pack_id);
  }
  if (!embedder.output_mean.empty() &&
      std::cmp_not_equal(embedder.output_mean.size(), embedder.output_length)) {
    return fail(ErrorCode::Corrupt, "card_inconsistent",
                "an embedder of pack `{}` gives {} values and its mean has {}", spec.pack_id,
                embedder.output_length, embedder.output_mean.size());
  }
  return {};
}

Result<void> check_spec(const PipelineSpec& spec) {
  if (spec.embedders.empty()) {
    return fail(ErrorCode::Corrupt, "card_inconsistent", "pack `{}` names no embedder",
                spec.pack_id);
  }
  for (const EmbedderSpec& embedder : spec.embedders) TRY(check_embedder(embedder, spec));
  return {};
}

}  // namespace

struct Pipeline::Parts {
  PipelineSpec spec;
  Detector detector;
  std::optional<ContourNetwork> contour;
  Embedder embedder;
  LivenessNetworks liveness;
  int thread_count;

  void run_with(const nn::RunOptions& run_options) {
    thread_count = run_options.thread_count;
    detector.run_with(run_options);
    if (contour) contour->run_with(run_options);
    embedder.run_with(run_options);
    liveness.run_with(run_options);
  }
};

Pipeline::Pipeline(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}

Pipeline::~Pipeline() = default;

Result<std::shared_ptr<const Pipeline>> Pipeline::load(const PipelineSpec& spec,
                                                       const LoadOptions& options) {
  TRY(check_spec(spec));
  const nn::RunOptions run_options{.thread_count = options.thread_count};
  Detector detector = TRY(Detector::load(spec.detector, run_options));
  std::optional<ContourNetwork> contour;
  if (spec.contour) contour = TRY(ContourNetwork::load(*spec.contour, run_options));
  Embedder embedder = TRY(Embedder::load(spec, run_options));
  LivenessNetworks liveness = TRY(LivenessNetworks::load(spec.liveness, run_options));
  auto parts = std::make_unique<const Parts>(Parts{spec, std::move(detector), std::move(contour),
                                                   std::move(embedder), std::move(liveness),
                                                   options.thread_count});
  return std::shared_ptr<const Pipeline>(new Pipeline(std::move(parts)));
}

std::shared_ptr<const Pipeline> Pipeline::with_threads(int thread_count) const {
  auto parts = std::make_unique<Parts>(*parts_);
  parts->run_with({.thread_count = thread_count});
  return std::shared_ptr<const Pipeline>(new Pipeline(std::move(parts)));
}

Result<std::shared_ptr<const Pipeline>> Pipeline::with_detector(const std::filesystem::path& file,
                                                                const LoadOptions& options) const {
  auto parts = std::make_unique<Parts>(*parts_);
  parts->spec.detector.file = file;
  const nn::RunOptions run_options{.thread_count = options.thread_count};
  parts->detector = TRY(Detector::load(parts->spec.detector, run_options));
  parts->run_with(run_options);
  return std::shared_ptr<const Pipeline>(new Pipeline(std::move(parts)));
}

const PipelineSpec& Pipeline::spec() const {
  return parts_->spec;
}

int Pipeline::thread_count() const {
  return parts_->thread_count;
}

const face::ModelId& Pipeline::model_id() const {
  return parts_->spec.model_id;
}

Result<std::vector<face::DetectedFace>> Pipeline::detect(const image::Photo& photo,
                                                         const DetectOptions& options) const {
  const std::vector<Detection> found = TRY(parts_->detector.find(photo.image, options));
  std::vector<std::vector<face::Point>> contours(found.size());
  if (parts_->contour) {
    std::vector<face::BoundingBox> boxes;
    for (const Detection& detection : found) boxes.push_back(detection.box);
    contours = TRY(parts_->contour->find(photo.image, boxes));
  }
  const auto factor = static_cast<float>(1 / photo.scale());
  std::vector<face::DetectedFace> faces;
  for (size_t index = 0; index < found.size(); ++index) {
    // A box that shows nothing of the photo has no contour, and is no face.
    if (parts_->contour && contours[index].empty()) continue;
    face::DetectedFace face{.box = enlarged(found[index].box, factor),
                            .detection_score = found[index].detection_score,
                            .landmarks = {},
                            .contour = {}};
    const face::Landmarks landmarks =
        parts_->contour ? landmarks_of(contours[index]) : found[index].landmarks.value();
    std::ranges::transform(landmarks, face.landmarks.begin(),
                           [factor](const face::Point& point) { return enlarged(point, factor); });
    for (const face::Point& point : contours[index]) {
      face.contour.push_back(enlarged(point, factor));
    }
    faces.push_back(std::move(face));
  }
  std::ranges::stable_sort(faces, std::greater<>(),
                           [](const face::DetectedFace& face) { return face.box.area(); });
  return faces;
}

Result<face::AlignedFace> Pipeline::align(const image::Photo& photo,
                                          const face::DetectedFace& face) const {
  face::AlignedFace aligned;
  for (const LandmarkTemplate& tmpl : parts_->embedder.templates()) {
    aligned.crops.push_back(TRY(vision::align(photo, face, tmpl)));
  }
  return aligned;
}

bool Pipeline::is_short_of_pixels(const image::Photo& photo, const face::DetectedFace& face) const {
  if (photo.scale() >= 1) return false;
  const auto enlarges = [&](const LandmarkTemplate& tmpl) {
    const auto transform = image_to_crop(photo, face, tmpl);
    return transform && transform->scale() > 1;
  };
  return std::ranges::any_of(parts_->embedder.templates(), enlarges);
}

Result<std::vector<face::Embedding>> Pipeline::embed(std::span<const face::AlignedFace> faces,
                                                     const InputObserver& on_input) const {
  return parts_->embedder.embed(faces, on_input);
}

Result<void> Pipeline::prepare_batch(size_t face_count) const {
  CHECK(face_count >= 1 && next_batch(face_count) == face_count);
  return parts_->embedder.prepare(face_count);
}

face::Quality Pipeline::quality(const image::Photo& photo, const face::DetectedFace& face,
                                const face::AlignedFace& aligned) const {
  const image::Image& crop = aligned.crops.front().pixels;
  const auto visible = [](float start, float length, int limit_px) {
    const auto limit = static_cast<float>(limit_px);
    return std::clamp(start + length, 0.0F, limit) - std::clamp(start, 0.0F, limit);
  };
  const Pose pose = pose_of(face.landmarks);
  return {.face_size_px = std::min(visible(face.box.x, face.box.width, photo.width_px),
                                   visible(face.box.y, face.box.height, photo.height_px)),
          .sharpness = sharpness_of(crop),
          .brightness = brightness_of(crop),
          .yaw_deg = pose.yaw_deg,
          .pitch_deg = pose.pitch_deg,
          .roll_deg = pose.roll_deg};
}

Result<std::optional<float>> Pipeline::liveness(const image::Photo& photo,
                                                const face::DetectedFace& face) const {
  if (parts_->liveness.empty()) return std::nullopt;
  const face::BoundingBox box = enlarged(liveness_box(face.box), static_cast<float>(photo.scale()));
  return TRY(parts_->liveness.probability(photo.image, box));
}

size_t central_face_index(std::span<const face::DetectedFace> faces, int width_px, int height_px) {
  CHECK(!faces.empty());
  const auto centrality = [&](const face::DetectedFace& face) {
    const float dx = face.box.center_x() - static_cast<float>(width_px) / 2;
    const float dy = face.box.center_y() - static_cast<float>(height_px) / 2;
    return face.box.area() - 2 * (dx * dx + dy * dy);
  };
  return static_cast<size_t>(std::ranges::max_element(faces, {}, centrality) - faces.begin());
}

}  // namespace faceforge::vision
