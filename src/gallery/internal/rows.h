#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gallery/gallery.h"
#include "store/blob_files.h"
#include "store/database.h"

namespace faceforge::gallery::internal {

/// Finds what is named, or says that it is not there; someone else's is not there either, nor is a
/// gallery that is not copied whole yet.
///
/// fails: not_found/gallery_not_found, person_not_found, photo_not_found; see `store::Transaction`
[[nodiscard]] Result<Gallery> find_gallery(store::Transaction& transaction, UserId user,
                                           GalleryId gallery);
/// A gallery without what must be counted.
struct GalleryHead {
  std::string name{};
  std::optional<int64_t> latest_version{};
  std::optional<int64_t> version_in_use{};
  int64_t revision = 0;
  Recording recording{};
  UnixTime_ms recorded_since_ms = 0;  ///< what was seen before is not kept
};

/// As find_gallery, at the same cost for a gallery of any size.
[[nodiscard]] Result<GalleryHead> find_gallery_head(store::Transaction& transaction, UserId user,
                                                    GalleryId gallery);

/// Only looks whether it is there, at any size of the gallery: find_gallery counts all that is in
/// it.
[[nodiscard]] Result<void> require_gallery(store::Transaction& transaction, UserId user,
                                           GalleryId gallery);
[[nodiscard]] Result<Person> find_person(store::Transaction& transaction, UserId user,
                                         GalleryId gallery, PersonId person);
[[nodiscard]] Result<Photo> find_photo(store::Transaction& transaction, UserId user,
                                       GalleryId gallery, PhotoId photo);

/// Deletes a photo's row, and takes it out of every version that used it.
///
/// out: the content that it held
[[nodiscard]] Result<store::BlobName> delete_photo_row(store::Transaction& transaction, UserId user,
                                                       GalleryId gallery, PhotoId photo);

/// Deletes a gallery with everything in it, also one that is no duplicate yet.
///
/// out: the contents that its photos and unknown faces held
[[nodiscard]] Result<std::vector<store::BlobName>> delete_gallery_rows(
    store::Transaction& transaction, UserId user, GalleryId gallery);

/// Makes Snapshots of the gallery's versions stale: see `Gallery::revision`.
[[nodiscard]] Result<void> raise_revision(store::Transaction& transaction, UserId user,
                                          GalleryId gallery);

/// The columns that `to_person` reads, of a table `people` named `p`.
[[nodiscard]] const std::string& person_columns();
[[nodiscard]] Person to_person(const store::Row& row);

/// The columns that `to_photo` reads, of a table `photos` named `f`.
inline constexpr std::string_view kPhotoColumns =
    "f.id, f.gallery_id, f.person_id, f.file_name, f.content, f.file_bytes, f.width_px, "
    "f.height_px, f.face, f.added_ms, f.file_missing";

/// fails: corrupt/photo_damaged when the stored face is malformed
[[nodiscard]] Result<Photo> to_photo(const store::Row& row);
[[nodiscard]] Result<std::vector<Photo>> to_photos(const store::Rows& rows);

/// A face as it is stored: x, y, width, height, detection score, five points, six quality numbers.
[[nodiscard]] store::Blob face_to_bytes(const face::DetectedFace& face,
                                        const face::Quality& quality);

struct StoredFace {
  face::DetectedFace face{};  ///< without its contour
  face::Quality quality{};
};

/// out: nothing when there are not as many bytes as `face_to_bytes` makes
[[nodiscard]] std::optional<StoredFace> face_from_bytes(std::span<const std::byte> bytes);

/// Embeddings as they are stored: little-endian floats.
[[nodiscard]] store::Blob floats_to_bytes(std::span<const float> values);

/// fails: corrupt/embedding_damaged when the length is another
[[nodiscard]] Result<std::vector<float>> floats_from_bytes(std::span<const std::byte> bytes,
                                                           size_t length);

/// The content column, which is the first, of rows that were deleted. A damaged one is left out:
/// no file has such a name.
[[nodiscard]] std::vector<store::BlobName> to_contents(const store::Rows& rows);

/// Replaces a reason of the store by what it means here; other errors pass.
template <typename T>
[[nodiscard]] Result<T> translated(Result<T> outcome, std::string_view store_reason,
                                   const Error& meaning) {
  if (!outcome && outcome.error().reason == store_reason) return Unexpected(meaning);
  return outcome;
}

}  // namespace faceforge::gallery::internal
