#include "photo_opencv.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "image/geometry.h"
#include "stopwatch.h"
#include "vision/landmark_templates.h"

namespace faceforge::bench {
namespace {

constexpr int kInputSide_px = 640;
constexpr float kMinScore = 0.5F;
constexpr float kOverlapLimit = 0.4F;
constexpr size_t kAnchorsPerCell = 2;
constexpr std::array<int, 3> kStrides_px = {8, 16, 32};

using Landmarks = std::array<cv::Point2f, 5>;

struct Found {
  std::vector<cv::Rect2d> boxes;
  std::vector<float> scores;
  std::vector<Landmarks> landmarks;
};

/// SCRFD's outputs of one stride: scores, distances to the sides, offsets of the points.
struct StrideOutputs {
  const cv::Mat* scores = nullptr;
  const cv::Mat* distances = nullptr;
  const cv::Mat* points = nullptr;
};

/// Sorts the nine outputs: a row of 1, 4 or 10 values, and fewer rows the larger the stride.
StrideOutputs outputs_of(const std::vector<cv::Mat>& outputs, int stride_px) {
  const int cells = kInputSide_px / stride_px;
  const auto rows = static_cast<size_t>(cells * cells) * kAnchorsPerCell;
  StrideOutputs found;
  for (const cv::Mat& output : outputs) {
    const auto row_width = static_cast<size_t>(output.size[output.dims - 1]);
    if (output.total() != rows * row_width) continue;
    if (row_width == 1) found.scores = &output;
    if (row_width == 4) found.distances = &output;
    if (row_width == 10) found.points = &output;
  }
  CV_Assert(found.scores && found.distances && found.points);
  return found;
}

void add_found(const StrideOutputs& outputs, int stride_px, float scale, Found& found) {
  const auto columns = static_cast<size_t>(kInputSide_px / stride_px);
  const float* scores = outputs.scores->ptr<float>();
  const auto stride = static_cast<float>(stride_px);
  for (size_t row = 0; row < outputs.scores->total(); ++row) {
    if (scores[row] < kMinScore) continue;
    const size_t cell = row / kAnchorsPerCell;
    const float x = static_cast<float>(cell % columns) * stride;
    const float y = static_cast<float>(cell / columns) * stride;
    const float* sides = outputs.distances->ptr<float>() + 4 * row;
    const float* points = outputs.points->ptr<float>() + 10 * row;
    const auto original = [&](float value) { return static_cast<double>(value / scale); };
    found.boxes.emplace_back(original(x - sides[0] * stride), original(y - sides[1] * stride),
                             original((sides[0] + sides[2]) * stride),
                             original((sides[1] + sides[3]) * stride));
    found.scores.push_back(scores[row]);
    Landmarks landmarks;
    for (size_t index = 0; index < landmarks.size(); ++index) {
      landmarks[index] = {(x + points[2 * index] * stride) / scale,
                          (y + points[2 * index + 1] * stride) / scale};
    }
    found.landmarks.push_back(landmarks);
  }
}

/// The warp that brings a face onto ArcFace's template, by the same estimate as ours.
cv::Matx23d upright(const Landmarks& landmarks, const vision::LandmarkTemplate& tmpl) {
  std::vector<image::Point2f> from;
  std::vector<image::Point2f> to;
  for (size_t index = 0; index < landmarks.size(); ++index) {
    from.push_back({landmarks[index].x, landmarks[index].y});
    to.push_back({tmpl.points[index].x, tmpl.points[index].y});
  }
  const auto transform = image::estimate_similarity(from, to);
  CV_Assert(transform.has_value());
  return cv::Matx23d(transform->matrix().data());
}

template <typename Work>
auto without_exceptions(Work work) -> Result<decltype(work())> {
  try {
    return work();
  } catch (const cv::Exception& error) {
    return fail(ErrorCode::Internal, "opencv_failed", "OpenCV: {}", error.what());
  }
}

}  // namespace

struct OpencvPipeline::Parts {
  cv::dnn::Net detector;
  cv::dnn::Net embedder;
  std::vector<cv::String> detector_outputs;
  vision::LandmarkTemplate landmark_template = vision::landmark_template("arcface_112").value();
  int thread_count = 1;

  /// Faces that are left after non-maximum suppression, in pixels of `photo` (BGR).
  std::vector<Landmarks> find(const cv::Mat& photo) {
    const float scale =
        static_cast<float>(kInputSide_px) / static_cast<float>(std::max(photo.cols, photo.rows));
    cv::Mat shrunk;
    cv::resize(photo, shrunk, {}, static_cast<double>(scale), static_cast<double>(scale),
               cv::INTER_LINEAR);
    cv::Mat input = cv::Mat::zeros(kInputSide_px, kInputSide_px, CV_8UC3);
    shrunk.copyTo(input(cv::Rect(0, 0, shrunk.cols, shrunk.rows)));
    detector.setInput(cv::dnn::blobFromImage(input, 1.0 / 128, {}, {127.5, 127.5, 127.5}, true));
    std::vector<cv::Mat> outputs;
    detector.forward(outputs, detector_outputs);
    Found found;
    for (const int stride_px : kStrides_px) {
      add_found(outputs_of(outputs, stride_px), stride_px, scale, found);
    }
    std::vector<int> kept;
    cv::dnn::NMSBoxes(found.boxes, found.scores, kMinScore, kOverlapLimit, kept);
    std::vector<Landmarks> faces;
    for (const int index : kept) faces.push_back(found.landmarks[static_cast<size_t>(index)]);
    return faces;
  }

  std::vector<cv::Mat> align(const cv::Mat& photo, const std::vector<Landmarks>& faces) const {
    const int side_px = landmark_template.side_px;
    std::vector<cv::Mat> crops(faces.size());
    for (size_t index = 0; index < faces.size(); ++index) {
      cv::warpAffine(photo, crops[index], upright(faces[index], landmark_template),
                     {side_px, side_px}, cv::INTER_LINEAR);
    }
    return crops;
  }

  std::vector<std::vector<float>> embed(const std::vector<cv::Mat>& crops) {
    if (crops.empty()) return {};
    embedder.setInput(cv::dnn::blobFromImages(crops, 1.0 / 127.5, {}, {127.5, 127.5, 127.5}, true));
    const cv::Mat output = embedder.forward();
    std::vector<std::vector<float>> embeddings;
    for (int row = 0; row < output.rows; ++row) {
      cv::Mat unit;
      cv::normalize(output.row(row), unit);
      embeddings.emplace_back(unit.begin<float>(), unit.end<float>());
    }
    return embeddings;
  }

  OpencvFaces run(std::span<const std::byte> file, OpencvReading reading) {
    cv::setNumThreads(thread_count);
    OpencvFaces result;
    Stopwatch stopwatch;
    const cv::Mat bytes(1, static_cast<int>(file.size()), CV_8U,
                        const_cast<void*>(static_cast<const void*>(file.data())));
    const cv::Mat photo = cv::imdecode(
        bytes, reading == OpencvReading::Whole ? cv::IMREAD_COLOR : cv::IMREAD_REDUCED_COLOR_2);
    result.decode_ms = stopwatch.lap_ms();
    const auto faces = find(photo);
    result.detect_ms = stopwatch.lap_ms();
    const auto crops = align(photo, faces);
    result.align_ms = stopwatch.lap_ms();
    result.embeddings = embed(crops);
    result.embed_ms = stopwatch.lap_ms();
    return result;
  }
};

OpencvPipeline::OpencvPipeline(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
OpencvPipeline::~OpencvPipeline() = default;

Result<std::unique_ptr<OpencvPipeline>> OpencvPipeline::load(const std::filesystem::path& detector,
                                                             const std::filesystem::path& embedder,
                                                             int thread_count) {
  auto parts = TRY(without_exceptions([&] {
    auto loaded = std::make_unique<Parts>();
    loaded->thread_count = thread_count;
    loaded->detector = cv::dnn::readNetFromONNX(detector.string());
    loaded->embedder = cv::dnn::readNetFromONNX(embedder.string());
    for (cv::dnn::Net* net : {&loaded->detector, &loaded->embedder}) {
      net->setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
      net->setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    }
    loaded->detector_outputs = loaded->detector.getUnconnectedOutLayersNames();
    return loaded;
  }));
  return std::unique_ptr<OpencvPipeline>(new OpencvPipeline(std::move(parts)));
}

Result<OpencvFaces> OpencvPipeline::run(std::span<const std::byte> file, OpencvReading reading) {
  return without_exceptions([&] { return parts_->run(file, reading); });
}

Result<size_t> OpencvPipeline::detect(const image::Image& photo) {
  return without_exceptions([&] {
    cv::setNumThreads(parts_->thread_count);
    const cv::Mat bgr(photo.height_px(), photo.width_px(), CV_8UC3,
                      const_cast<uint8_t*>(photo.pixels().data()));
    return parts_->find(bgr).size();
  });
}

const char* OpencvPipeline::version() {
  return CV_VERSION;
}

}  // namespace faceforge::bench
