#include "vision/landmark_templates.h"

#include <array>
#include <string>

#include <fmt/ranges.h>

namespace faceforge::vision {
namespace {

constexpr std::array<std::string_view, 2> kNames = {"arcface_112", "dlib_150"};

constexpr std::array<face::Point, face::kLandmarkCount> kArcface = {{{38.2946F, 51.6963F},
                                                                     {73.5318F, 51.5014F},
                                                                     {56.0252F, 71.7366F},
                                                                     {41.5493F, 92.3655F},
                                                                     {70.7299F, 92.2041F}}};

struct DlibPoint {
  int contour_index;
  double x;
  double y;
};

/// dlib's mean face in the unit square, without the points that its chips ignore.
constexpr std::array<DlibPoint, 33> kDlibMeanFace = {{
    {27, 0.490127, 0.203352}, {28, 0.490127, 0.307009}, {29, 0.490127, 0.409805},
    {30, 0.490127, 0.515625}, {31, 0.36688, 0.587326},  {32, 0.426036, 0.609345},
    {33, 0.490127, 0.628106}, {34, 0.554217, 0.609345}, {35, 0.613373, 0.587326},
    {36, 0.121737, 0.216423}, {37, 0.187122, 0.178758}, {38, 0.265825, 0.179852},
    {39, 0.334606, 0.231733}, {40, 0.260918, 0.245099}, {41, 0.182743, 0.244077},
    {42, 0.645647, 0.231733}, {43, 0.714428, 0.179852}, {44, 0.793132, 0.178758},
    {45, 0.858516, 0.216423}, {46, 0.79751, 0.244077},  {47, 0.719335, 0.245099},
    {48, 0.254149, 0.780233}, {49, 0.340985, 0.745405}, {50, 0.428858, 0.727388},
    {51, 0.490127, 0.742578}, {52, 0.551395, 0.727388}, {53, 0.639268, 0.745405},
    {54, 0.726104, 0.780233}, {60, 0.290379, 0.784792}, {61, 0.428096, 0.778746},
    {62, 0.490127, 0.785343}, {63, 0.552157, 0.778746}, {64, 0.689874, 0.784792},
}};
constexpr double kDlibPadding = 0.25;

LandmarkTemplate arcface_template() {
  return {.name = "arcface_112",
          .side_px = 112,
          .points = {kArcface.begin(), kArcface.end()},
          .contour_indices = {}};
}

LandmarkTemplate dlib_template() {
  LandmarkTemplate tmpl{.name = "dlib_150", .side_px = 150, .points = {}, .contour_indices = {}};
  const auto place = [&](double mean) {
    return static_cast<float>((mean + kDlibPadding) / (1 + 2 * kDlibPadding) * tmpl.side_px);
  };
  for (const DlibPoint& point : kDlibMeanFace) {
    tmpl.points.push_back({place(point.x), place(point.y)});
    tmpl.contour_indices.push_back(point.contour_index);
  }
  return tmpl;
}

}  // namespace

Result<LandmarkTemplate> landmark_template(std::string_view name) {
  if (name == kNames[0]) return arcface_template();
  if (name == kNames[1]) return dlib_template();
  return fail(ErrorCode::Unsupported, "landmark_template_unknown",
              "the landmark template `{}` is none of: {}", name, fmt::join(kNames, ", "));
}

std::span<const std::string_view> landmark_template_names() {
  return kNames;
}

}  // namespace faceforge::vision
