#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/parallel_work.h"
#include "base/result.h"
#include "evaluate/people_folder.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "vision/pipeline.h"

namespace faceforge::evaluate {

/// A photo and whom it shows.
struct LabelledPhoto {
  uint32_t person_index = 0;                   ///< in `LabelledPhotos::people`
  std::string name{};                          ///< `PERSON/PHOTO`
  std::optional<face::Embedding> embedding{};  ///< nothing: a failure to acquire
  std::optional<face::Quality> quality{};      ///< nothing where only embeddings are known
};

/// What a model made of the photos of a labelled folder. Photos that gave no embedding stay in:
/// whoever drops them measures only the easy ones.
struct LabelledPhotos {
  std::vector<std::string> people{};
  std::vector<LabelledPhoto> photos{};  ///< all of one ModelId
  std::vector<std::string> unusable{};  ///< photos that could not be read, and why

  [[nodiscard]] size_t failure_count() const;  ///< photos without an embedding

  /// The photos of every person, in order.
  [[nodiscard]] std::vector<std::vector<size_t>> photos_by_person() const;
};

/// Embeds the central face of every photo of a folder, in its order.
///
/// fails:  not_found/no_face_found when not one photo has a face; cancelled/cancelled
[[nodiscard]] Result<LabelledPhotos> embed_labelled_photos(const vision::Pipeline& pipeline,
                                                           const PeopleFolder& folder,
                                                           const Supervision& supervision);

/// Reads what `faceforge embed --npy FILE` wrote of a folder of `PERSON/PHOTO`: FILE and FILE.json.
/// Of a photo with several faces the first row counts, the largest face.
///
/// fails:  as read_file and gallery::read_npy; invalid_input/embedding_rows_malformed naming the
///         row: the JSON has other rows than the matrix, or a photo's path has no folder of a
///         person; invalid_input/embedding_not_finite
[[nodiscard]] Result<LabelledPhotos> read_labelled_embeddings(const std::filesystem::path& npy);

/// Compares every photo that has an embedding with all photos.
///
/// in:     `visit(photo, similarities)` from any thread, several at once; `similarities` has one
///         number a photo, `kFailedComparison` for one without an embedding
/// fails:  cancelled/cancelled
/// cost:   O(photos^2 * embedding length), on every core
[[nodiscard]] Result<void> for_each_row(
    const LabelledPhotos& photos,
    const std::function<void(size_t photo, std::span<const float> similarities)>& visit,
    const Supervision& supervision);

}  // namespace faceforge::evaluate
