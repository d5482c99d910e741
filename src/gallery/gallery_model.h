#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "face/calibration.h"
#include "face/embedding.h"
#include "gallery/gallery.h"
#include "gallery/personal_head.h"

namespace faceforge::gallery {

/// An embedding of one reference photo, so that the most similar enrolled face can be named.
struct Reference {
  std::string name{};              ///< the photo's file name
  std::optional<PhotoId> photo{};  ///< nothing when it comes from a file
  std::vector<float> embedding{};
};

struct ModelPerson {
  std::string name{};
  std::optional<PersonId> person{};  ///< nothing when it comes from a file
  int64_t photo_count = 0;           ///< photos in the template
  float spread = 0;                  ///< `TemplateSum::spread`: from 0, to 1 with `Metric::Cosine`
  std::vector<float> mean{};         ///< of the embeddings: of unit length with `Metric::Cosine`
  std::vector<Reference> references{};  ///< used photos only; may be empty
};

/// A trained gallery in memory, wherever it comes from: a stored version, a folder of photos or a
/// `.ffg` file. Every vector has `embedding_length` values; names of people are unique. All vectors
/// are in the space of `model_id`, also where there is a head.
struct GalleryModel {
  face::ModelId model_id{};
  face::Metric metric = face::Metric::Cosine;
  int64_t embedding_length = 0;
  std::string pack_id{};
  UnixTime_ms trained_ms = 0;
  /// Of the pack, copied so that a file can be used alone; nothing when the pack had none.
  std::optional<face::Calibration> calibration{};
  std::vector<ModelPerson> people{};
  /// With one, everybody has as many references as `photo_count`: templates are made of them.
  std::optional<PersonalHead> head{};
};

}  // namespace faceforge::gallery
