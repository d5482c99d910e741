#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "recognition/face_engine.h"

namespace faceforge::recognition {

/// An engine without networks. Its "photos" are texts: `photo`, then lines `face NAME X Y SIDE`;
/// other lines make photos of one person differ. Faces of one name are similar, all others are not.
class FakeEngine final : public FaceEngine {
 public:
  static constexpr int kLength = 128;
  static constexpr int kSide_px = 100;

  explicit FakeEngine(std::string model = "m1", std::string pack_id = "fake")
      : model_id_(std::move(model)), pack_id_(std::move(pack_id)) {
    face::Calibration table;
    table.model_id = model_id_;
    table.points = {{1e-2, 0.3F}, {1e-3, 0.4F}};
    table.tail_intercept = 2.3;
    table.tail_slope = -23;
    table.ambiguity_margin = 0.1F;
    calibration_ = table;
  }

  static std::vector<std::byte> photo(std::string_view lines) {
    const std::string text = "photo\n" + std::string(lines);
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    return {bytes.begin(), bytes.end()};
  }

  void calibrate(std::optional<face::Calibration> calibration) {
    calibration_ = std::move(calibration);
  }

  /// Called by every detection; for tests that must be in the middle of one.
  std::function<void()> on_detect;
  /// With this, nobody is ever found.
  bool is_blind = false;
  /// With this, people differ in four numbers, and photos of one person in twelve others as much:
  /// what a personal head can mend.
  bool is_confusing = false;

  const face::ModelId& model_id() const override { return model_id_; }
  const std::string& pack_id() const override { return pack_id_; }
  face::Metric metric() const override { return face::Metric::Cosine; }
  int embedding_length() const override { return kLength; }
  const std::optional<face::Calibration>& calibration() const override { return calibration_; }

  Result<image::Photo> decode(std::span<const std::byte> file) const override {
    const std::string text(reinterpret_cast<const char*>(file.data()), file.size());
    if (!text.starts_with("photo\n")) {
      return fail(ErrorCode::Unsupported, "not_an_image", "this is no image");
    }
    image::Image image = image::Image::create(kSide_px, kSide_px);
    std::ranges::copy(text, image.pixels().begin());
    return image::Photo{std::move(image), kSide_px, kSide_px};
  }

  Result<std::vector<face::DetectedFace>> detect(const image::Photo& photo) const override {
    if (on_detect) on_detect();
    std::vector<face::DetectedFace> faces;
    if (is_blind) return faces;
    for (const Line& line : lines_of(photo.image)) {
      face::DetectedFace face;
      face.box = {line.x, line.y, line.side, line.side};
      face.detection_score = 0.9F;
      face.landmarks[0] = {line.x, line.y};
      faces.push_back(face);
    }
    std::ranges::sort(faces, std::ranges::greater{},
                      [](const face::DetectedFace& face) { return face.box.area(); });
    return faces;
  }

  Result<image::Photo> decode_frame(std::span<const std::byte> file) const override {
    return decode(file);
  }

  Result<FrameFaces> detect_in_frame(const image::Photo& frame,
                                     std::span<const vision::FrameScale>) const override {
    auto faces = detect(frame);
    if (!faces) return Unexpected(faces.error());
    return FrameFaces{.sure = *std::move(faces), .doubtful = {}};
  }

  Result<face::AlignedFace> align(const image::Photo& photo,
                                  const face::DetectedFace& face) const override {
    for (const Line& line : lines_of(photo.image)) {
      if (line.x != face.box.x || line.y != face.box.y) continue;
      if (line.name == "flat") {
        return fail(ErrorCode::InvalidInput, "degenerate_landmarks", "they fall together");
      }
      face::AlignedFace aligned;
      aligned.crops.push_back({photo.image.clone(), line.name});
      draw_face(aligned.crops.front().pixels, line.name);
      return aligned;
    }
    return fail(ErrorCode::Internal, "fake", "no such face");
  }

  Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedFace> faces) const override {
    std::vector<face::Embedding> embeddings;
    for (const face::AlignedFace& aligned : faces) {
      const face::AlignedCrop& crop = aligned.crops.front();
      std::vector<float> values = noise(crop.landmark_template + model_id_.hex());
      const std::vector<float> own = noise(text_of(crop.pixels));
      for (size_t column = 0; column < values.size(); ++column) {
        const bool is_drowned = is_confusing && column >= 4;
        const bool is_silent = is_confusing && column >= 16;
        const float of_person = is_drowned ? 0 : 1;
        const float of_photo = is_silent ? 0 : is_drowned ? 0.6F : is_confusing ? 0.15F : 0.3F;
        values[column] = of_person * values[column] + of_photo * own[column];
      }
      (void)face::normalize(values);
      embeddings.push_back({model_id_, face::Metric::Cosine, std::move(values)});
    }
    return embeddings;
  }

  face::Quality quality(const image::Photo&, const face::DetectedFace& face,
                        const face::AlignedFace&) const override {
    face::Quality quality;
    quality.face_size_px = std::min(face.box.width, face.box.height);
    return quality;
  }

 private:
  struct Line {
    std::string name;
    float x = 0;
    float y = 0;
    float side = 0;
  };

  static std::string text_of(const image::Image& image) {
    return {reinterpret_cast<const char*>(image.pixels().data())};
  }

  static std::vector<Line> lines_of(const image::Image& image) {
    std::istringstream text(text_of(image));
    std::vector<Line> lines;
    for (std::string row; std::getline(text, row);) {
      std::istringstream words(row);
      std::string kind;
      Line line;
      if (words >> kind >> line.name >> line.x >> line.y >> line.side && kind == "face") {
        lines.push_back(line);
      }
    }
    return lines;
  }

  /// Below the text: crops of one person look alike, those of two do not.
  static void draw_face(image::Image& crop, const std::string& name) {
    const std::vector<float> greys = noise("face of " + name);
    for (int y = kSide_px / 2; y < kSide_px; ++y) {
      const auto row = crop.row(y);
      for (size_t column = 0; column < row.size(); ++column) {
        row[column] = greys[static_cast<size_t>(y / 10 * 10) + column / 30] > 0 ? 255 : 0;
      }
    }
  }

  static std::vector<float> noise(const std::string& seed) {
    std::mt19937 random(static_cast<uint32_t>(std::hash<std::string>{}(seed)));
    std::normal_distribution<float> normal;
    std::vector<float> values(kLength);
    for (float& value : values) value = normal(random);
    return values;
  }

  face::ModelId model_id_;
  std::string pack_id_;
  std::optional<face::Calibration> calibration_;
};

}  // namespace faceforge::recognition
