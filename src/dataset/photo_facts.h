#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/parallel_work.h"
#include "base/result.h"
#include "base/sha256.h"
#include "dataset/skipped.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "vision/pipeline.h"

namespace faceforge::dataset {

/// Photos that one call looks at: what is known of them (2 kB each) stays in memory.
inline constexpr size_t kMaxLookCount = 200'000;

/// Faces of one photo that are looked at, and how large against the central one they must be:
/// smaller ones are bystanders.
inline constexpr size_t kMaxFacesAPhoto = 5;
inline constexpr float kMinFaceAreaShare = 0.25F;

struct FaceFacts {
  face::Quality quality;
  face::Embedding embedding;
};

/// What is known of a photo after one look.
struct PhotoFacts {
  Sha256 sha256{};  ///< of the file
  int width_px = 0;
  int height_px = 0;
  uint64_t difference_hash = 0;
  size_t face_count = 0;         ///< all that were found
  std::vector<FaceFacts> faces;  ///< the central one first; empty where none was found
};

/// Looks at a photo's file: all that the tools of this folder judge photos by. None found: once
/// more at a detection score of 0.1, as vision::look_again_if_faceless.
///
/// fails: as image::decode, Pipeline::detect and Pipeline::embed
[[nodiscard]] Result<PhotoFacts> photo_facts(const vision::Pipeline& pipeline,
                                             std::span<const std::byte> file);

/// Called from several threads at once.
using LookAtPhoto = std::function<Result<PhotoFacts>(const std::filesystem::path&)>;

struct LookedPhoto {
  size_t person_index = 0;
  std::filesystem::path file;
  PhotoFacts facts;
};

/// The photos of a folder of `PERSON/PHOTO` that could be read, in the order of names.
struct LookedPeople {
  std::vector<std::string> people;
  std::vector<LookedPhoto> photos;
  std::vector<Skipped> skipped;

  /// `PERSON/PHOTO`
  [[nodiscard]] std::string name_of(size_t photo_index) const;
};

/// Looks at every file with a photo's ending, once: of names that lead to one file, links say, the
/// later ones are skipped (conflict/same_file).
///
/// fails: as list_person_folders, with at most kMaxLookCount photos; not_found/no_photos;
///        cancelled/cancelled
[[nodiscard]] Result<LookedPeople> look_at_people(const std::filesystem::path& folder,
                                                  const LookAtPhoto& look, size_t thread_count,
                                                  const Supervision& supervision);

}  // namespace faceforge::dataset
