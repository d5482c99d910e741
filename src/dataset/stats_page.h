#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "dataset/crop_photo.h"
#include "dataset/stats.h"

namespace faceforge::dataset {

/// A face of a contact sheet.
struct SheetFace {
  std::string person;
  image::Image crop;  ///< kDefaultSide_px square
};

/// Faces for a contact sheet, at most `count`; those that cannot be cut out are left out.
[[nodiscard]] std::vector<SheetFace> sheet_faces(const LookedPeople& people,
                                                 const CropPhoto& crop_photo, size_t count);

/// Draws faces in rows of eight, each with its person's name under it.
///
/// in:    at least one face and at most kMaxSheetFaces (a CHECK)
/// fails: as image::draw_label, when no font is installed
[[nodiscard]] Result<image::Image> contact_sheet(const std::vector<SheetFace>& faces);

inline constexpr size_t kMaxSheetFaces = 1024;

/// A page of counts, distributions and faces, self-contained.
[[nodiscard]] std::string stats_page(const std::string& title, const DatasetStats& stats,
                                     const std::vector<Skipped>& skipped,
                                     const std::vector<SheetFace>& faces);

}  // namespace faceforge::dataset
