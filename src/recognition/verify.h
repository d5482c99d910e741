#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "face/detected_face.h"
#include "face/quality.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"
#include "recognition/face_engine.h"
#include "recognition/photo_faces.h"

namespace faceforge::recognition {

struct VerifyOptions {
  WantedFace wanted_face = FaceChoice::OnlyFace;
  float min_face_px = 16;
};

/// A face of one photo, with what tells the user which one was meant.
struct ChosenFace {
  int width_px = 0;  ///< of the upright photo
  int height_px = 0;
  face::DetectedFace face{};
  face::Quality quality{};
};

struct VerifyReport {
  ChosenFace probe{};
  gallery::Candidate candidate{};  ///< the person asked about
  gallery::Decision decision{};    ///< Match or Unknown
  double stranger_rate = 1;        ///< see gallery::MatchPolicy
  face::ModelId model_id{};
};

/// Compares a photo's face with one person of a gallery; the person by id or by name.
///
/// fails: as image::decode, vision::Pipeline, choose_face and gallery::Snapshot::compare
[[nodiscard]] Result<VerifyReport> verify(
    std::span<const std::byte> file, const std::variant<gallery::PersonId, std::string>& person,
    const gallery::Snapshot& snapshot, const FaceEngine& engine, const gallery::MatchPolicy& policy,
    const VerifyOptions& options = {});

struct CompareReport {
  ChosenFace first{};
  ChosenFace second{};
  float similarity = 0;
  gallery::Decision decision{};  ///< Match or Unknown
  face::ModelId model_id{};
};

/// Compares the faces of two photos.
///
/// fails: as image::decode, vision::Pipeline and choose_face, the message naming the first or the
///        second photo
[[nodiscard]] Result<CompareReport> compare(std::span<const std::byte> first,
                                            std::span<const std::byte> second,
                                            const FaceEngine& engine,
                                            const gallery::MatchPolicy& policy,
                                            const VerifyOptions& options = {});

}  // namespace faceforge::recognition
