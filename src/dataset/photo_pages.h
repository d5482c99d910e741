#pragma once

#include <string>
#include <vector>

#include "dataset/crop_photo.h"
#include "dataset/duplicates.h"
#include "dataset/photo_facts.h"
#include "dataset/suspects.h"

namespace faceforge::dataset {

/// Photos that a page shows: a person is to look at each.
inline constexpr size_t kMaxShownPhotos = 500;

/// A page of the photos in doubt, each beside a photo of its own person and one of the other,
/// self-contained. Beyond kMaxShownPhotos they are counted only.
[[nodiscard]] std::string suspects_page(const std::string& title, const LookedPeople& people,
                                        const SuspectReport& report, const CropPhoto& crop_photo);

/// A page of the photos that are there more than once, the one to keep first, self-contained.
[[nodiscard]] std::string duplicates_page(const std::string& title, const LookedPeople& people,
                                          const std::vector<DuplicateGroup>& groups);

}  // namespace faceforge::dataset
