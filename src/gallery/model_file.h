#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"
#include "gallery/gallery_model.h"

namespace faceforge::gallery {

/// Bounds on a foreign `.ffg` file.
struct ModelFileLimits {
  size_t file_bytes = size_t{2} << 30;
  size_t unpacked_bytes = size_t{4} << 30;
  size_t people = 1'000'000;
  size_t references = 10'000'000;
};

/// Writes a gallery model as a `.ffg` file (docs/ffg-format.md): a zip with `manifest.json`,
/// `templates.npy` and, where there are any, `references.npy`. The same model gives the same bytes.
///
/// fails: exhausted/out_of_memory
[[nodiscard]] Result<std::vector<std::byte>> write_model(const GalleryModel& model);

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
