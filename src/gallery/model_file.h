#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"
#include "gallery/gallery_model.h"

namespace faceforge::gallery {

/// The largest `.ffg` file: 100 000 photos, as many as a gallery has room for, of 1 024 numbers.
/// Such a file is in memory whole while it is read.
inline constexpr size_t kModelFileLimit_bytes = size_t{512} << 20;

/// Bounds on a foreign `.ffg` file.
struct ModelFileLimits {
  size_t file_bytes = kModelFileLimit_bytes;
  size_t unpacked_bytes = 2 * kModelFileLimit_bytes;
  size_t manifest_bytes = size_t{64} << 20;
  size_t people = 1'000'000;
  size_t references = 10'000'000;
  /// To bring all references through a head: some seconds of work.
  size_t head_products = 100'000'000'000;
};

/// Writes a gallery model as a `.ffg` file (docs/ffg-format.md): a zip with `manifest.json`,
/// `templates.npy` and, where there are any, `references.npy` and `head.npy`. The same model gives
/// the same bytes.
///
/// fails: too_large/gallery_model_too_large beyond the limits, for it could not be read;
///        exhausted/out_of_memory
[[nodiscard]] Result<std::vector<std::byte>> write_model(const GalleryModel& model,
                                                         const ModelFileLimits& limits = {});

/// Reads a `.ffg` file and checks everything that a Snapshot relies on.
///
/// fails: invalid_input/not_a_gallery_model when it is not a zip or has no manifest of this kind;
///        unsupported/gallery_model_version for a newer format; corrupt/gallery_model_damaged when
///        a part is missing, cut, changed (its checksum), of the wrong shape, not finite or
///        contradicts the manifest; too_large/gallery_model_too_large
[[nodiscard]] Result<GalleryModel> read_model(std::span<const std::byte> file,
                                              const ModelFileLimits& limits = {});

/// The same from and to a path; written atomically.
///
/// fails: as above, and as read_file and write_file_atomically
[[nodiscard]] Result<GalleryModel> read_model_file(const std::filesystem::path& path,
                                                   const ModelFileLimits& limits = {});
[[nodiscard]] Result<void> write_model_file(const GalleryModel& model,
                                            const std::filesystem::path& path);

}  // namespace faceforge::gallery
