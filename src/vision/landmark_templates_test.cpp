#include "vision/landmark_templates.h"

#include <gtest/gtest.h>

namespace faceforge::vision {
namespace {

TEST(LandmarkTemplate, ArcfaceHasFiveLandmarksOfAFaceSeenFromTheFront) {
  const auto tmpl = landmark_template("arcface_112");
  ASSERT_TRUE(tmpl);
  EXPECT_EQ(tmpl->side_px, 112);
  ASSERT_EQ(tmpl->points.size(), face::kLandmarkCount);
  EXPECT_TRUE(tmpl->contour_indices.empty());
  // As published with ArcFace: src1 of InsightFace's face_align.py, shifted by 8 px.
  EXPECT_FLOAT_EQ(tmpl->points[0].x, 30.2946F + 8);
  EXPECT_FLOAT_EQ(tmpl->points[4].y, 92.2041F);
}

TEST(LandmarkTemplate, DlibsHas33ContourPointsPaddedByAQuarterOfTheFace) {
  const auto tmpl = landmark_template("dlib_150");
  ASSERT_TRUE(tmpl);
  ASSERT_EQ(tmpl->points.size(), 33U);
  ASSERT_EQ(tmpl->contour_indices.size(), 33U);
  for (size_t index = 0; index < tmpl->points.size(); ++index) {
    const int contour = tmpl->contour_indices[index];
    EXPECT_GE(contour, 27);
    EXPECT_TRUE(contour < 55 || (contour >= 60 && contour <= 64)) << contour;
  }
  // By hand from dlib's mean face: nose tip (30) at (0.490127, 0.515625).
  EXPECT_EQ(tmpl->contour_indices[3], 30);
  EXPECT_FLOAT_EQ(tmpl->points[3].x, 74.0127F);
  EXPECT_FLOAT_EQ(tmpl->points[3].y, 76.5625F);
  // Left and right of the face mirror each other about the nose within 0.3 px.
  EXPECT_NEAR(tmpl->points[9].x + tmpl->points[18].x, 2 * tmpl->points[3].x, 0.3);
}

TEST(LandmarkTemplate, AnUnknownNameIsRefusedNamingTheKnown) {
  const auto tmpl = landmark_template("arcface_96");
  ASSERT_FALSE(tmpl);
  EXPECT_EQ(tmpl.error().reason, "landmark_template_unknown");
  for (const auto name : landmark_template_names()) {
    EXPECT_NE(tmpl.error().message.find(name), std::string::npos);
    EXPECT_EQ(landmark_template(name)->name, name);
  }
}

}  // namespace
}  // namespace faceforge::vision
