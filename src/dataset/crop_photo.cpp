#include "dataset/crop_photo.h"

#include "base/without_throwing.h"
#include "image/resample.h"

namespace faceforge::dataset {

Result<image::Image> square_crop(const CropPhoto& crop_photo, const std::filesystem::path& photo,
                                 int side_px) {
  return without_throwing([&]() -> Result<image::Image> {
    image::Image crop = TRY(crop_photo(photo));
    if (crop.width_px() == side_px && crop.height_px() == side_px) return crop;
    return image::resize(crop, side_px, side_px);
  });
}

}  // namespace faceforge::dataset
