#include "cli/face_drawing.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/file.h"
#include "image/draw.h"
#include "image/encode.h"

namespace faceforge::cli {
namespace {

constexpr image::Colour kBoxColour{0, 190, 80};
constexpr image::Colour kPointColour{255, 210, 0};
constexpr int kMinLabelHeight_px = 14;

int rounded(double value) {
  return static_cast<int>(std::lround(value));
}

}  // namespace

Result<void> make_drawing_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Unexpected(file_error(error.value(), "create", folder));
  return {};
}

std::map<std::filesystem::path, std::filesystem::path> drawing_files(
    std::span<const std::filesystem::path> photos, const std::filesystem::path& folder) {
  std::map<std::filesystem::path, std::filesystem::path> file_of;
  std::set<std::string> used;
  std::map<std::string, int> last_number;  // of a stem, so that many alike are not tried again
  for (const auto& photo : photos) {
    if (file_of.contains(photo)) continue;
    const std::string stem = photo.stem().string();
    std::string name = stem;
    int& number = last_number.try_emplace(stem, 1).first->second;
    while (!used.insert(name).second) name = fmt::format("{}.{}", stem, ++number);
    file_of[photo] = folder / (name + ".faces.jpg");
  }
  return file_of;
}

Result<void> draw_faces(image::Photo photo, std::span<const FaceMark> marks,
                        const std::filesystem::path& file) {
  image::Image& image = photo.image;
  const double scale = photo.scale();
  // Lines that stay visible when a large photo is shown small.
  const int thickness_px = std::max(2, std::min(image.width_px(), image.height_px()) / 300);
  for (const FaceMark& mark : marks) {
    const face::BoundingBox& box = mark.face.box;
    const image::PixelRectangle rectangle{.x = rounded(box.x * scale),
                                          .y = rounded(box.y * scale),
                                          .width = std::max(1, rounded(box.width * scale)),
                                          .height = std::max(1, rounded(box.height * scale))};
    image::draw_rectangle(image, rectangle, kBoxColour, thickness_px);
    for (const face::Point& point : mark.face.landmarks) {
      image::draw_disc(image,
                       {static_cast<float>(point.x * scale), static_cast<float>(point.y * scale)},
                       static_cast<float>(thickness_px), kPointColour);
    }
    const int label_height_px = std::max(kMinLabelHeight_px, 6 * thickness_px);
    TRY(image::draw_label(
        image, mark.label,
        {static_cast<float>(rectangle.x), static_cast<float>(rectangle.y - label_height_px)},
        label_height_px, kBoxColour));
  }
  return write_file_atomically(file, TRY(image::encode_jpeg(image)));
}

}  // namespace faceforge::cli
