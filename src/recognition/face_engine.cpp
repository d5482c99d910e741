#include "recognition/face_engine.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace faceforge::recognition {
namespace {

/// Doubtful faces have at least this share of the detection score that a sure one needs.
constexpr float kDoubtfulShare = 0.5F;

class PipelineEngine final : public FaceEngine {
 public:
  PipelineEngine(std::shared_ptr<const vision::Pipeline> pipeline, image::DecodeLimits limits)
      : pipeline_(std::move(pipeline)), limits_(limits) {}

  const face::ModelId& model_id() const override { return pipeline_->model_id(); }
  const std::string& pack_id() const override { return pipeline_->spec().pack_id; }
  face::Metric metric() const override { return pipeline_->spec().metric; }
  int embedding_length() const override {
    return vision::embedding_length(pipeline_->spec().embedders);
  }
  const std::optional<face::Calibration>& calibration() const override {
    return pipeline_->spec().calibration;
  }

  Result<image::Photo> decode(std::span<const std::byte> file) const override {
    return image::decode(file, limits_);
  }
  Result<std::vector<face::DetectedFace>> detect(const image::Photo& photo) const override {
    return pipeline_->detect(photo);
  }
  Result<vision::PhotoLook> look_at(
      std::span<const std::byte> file,
      std::span<const face::DetectedFace> known_faces) const override {
    return vision::look_at(*pipeline_, file, limits_, known_faces);
  }
  Result<image::Photo> decode_frame(std::span<const std::byte> file) const override {
    return image::decode(file, kFrameLimits);
  }
  Result<FrameFaces> detect_in_frame(const image::Photo& frame,
                                     std::span<const vision::FrameScale> scales) const override {
    const float sure_score = pipeline_->spec().detector.min_detection_score;
    auto found = TRY(pipeline_->detect(frame, {.min_detection_score = sure_score * kDoubtfulShare,
                                               .frame_scales = {scales.begin(), scales.end()},
                                               .face_limit = kMaxFrameFaces}));
    const auto is_sure = [&](const face::DetectedFace& face) {
      return face.detection_score >= sure_score;
    };
    const auto doubtful = std::ranges::stable_partition(found, is_sure);
    FrameFaces faces;
    faces.doubtful.assign(std::make_move_iterator(doubtful.begin()),
                          std::make_move_iterator(doubtful.end()));
    found.erase(doubtful.begin(), found.end());
    faces.sure = std::move(found);
    return faces;
  }
  Result<face::AlignedFace> align(const image::Photo& photo,
                                  const face::DetectedFace& face) const override {
    return pipeline_->align(photo, face);
  }
  Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedFace> faces) const override {
    return pipeline_->embed(faces);
  }
  Result<void> prepare_batch(size_t face_count) const override {
    return pipeline_->prepare_batch(face_count);
  }
  face::Quality quality(const image::Photo& photo, const face::DetectedFace& face,
                        const face::AlignedFace& aligned) const override {
    return pipeline_->quality(photo, face, aligned);
  }

 private:
  std::shared_ptr<const vision::Pipeline> pipeline_;
  image::DecodeLimits limits_;
};

}  // namespace

Result<vision::PhotoLook> FaceEngine::look_at(std::span<const std::byte> file,
                                              std::span<const face::DetectedFace>) const {
  image::Photo photo = TRY(decode(file));
  auto faces = TRY(detect(photo));
  return vision::PhotoLook{std::move(photo), std::move(faces)};
}

Result<void> FaceEngine::prepare_batch(size_t) const {
  return {};
}

std::shared_ptr<const FaceEngine> make_face_engine(std::shared_ptr<const vision::Pipeline> pipeline,
                                                   const image::DecodeLimits& limits) {
  return std::make_shared<const PipelineEngine>(std::move(pipeline), limits);
}

Engines make_engines(const std::shared_ptr<const vision::Pipeline>& pipeline, int core_count,
                     const image::DecodeLimits& limits) {
  return {make_face_engine(pipeline, limits),
          make_face_engine(pipeline->with_threads(core_count), limits)};
}

}  // namespace faceforge::recognition
