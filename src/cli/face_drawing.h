#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "face/detected_face.h"
#include "image/image.h"

namespace faceforge::cli {

/// A face and what to write beside it.
struct FaceMark {
  face::DetectedFace face;
  std::string label;
};

/// Makes the folder and those above it.
///
/// fails: as file_error
[[nodiscard]] Result<void> make_drawing_folder(const std::filesystem::path& folder);

/// Where each photo's drawing goes: `NAME.faces.jpg`, and `NAME.2.faces.jpg` where another photo of
/// the same run has that already.
[[nodiscard]] std::map<std::filesystem::path, std::filesystem::path> drawing_files(
    std::span<const std::filesystem::path> photos, const std::filesystem::path& folder);

/// Writes a photo as JPEG with every face's box, landmarks and label drawn on it.
///
/// fails: as image::draw_label, image::encode_jpeg and write_file_atomically
[[nodiscard]] Result<void> draw_faces(image::Photo photo, std::span<const FaceMark> marks,
                                      const std::filesystem::path& file);

}  // namespace faceforge::cli
