// Whole networks against the golden values of the data folder: boxes and landmarks by ONNX Runtime
// on OpenCV's pixels at one scale of 256x256, embeddings of crops warped by OpenCV.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "image/resample.h"
#include "support/test_data.h"
#include "vision/internal/align.h"
#include "vision/internal/detector.h"
#include "vision/internal/embedder.h"
#include "vision/internal/liveness.h"
#include "vision/internal/test_packs.h"
#include "vision/pipeline.h"

namespace faceforge::vision {
namespace {

json::value read_json(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  return json::parse(text).value();
}

float real(const json::value& number) {
  return number.to_number<float>();
}

/// The golden detector's pack, and its embedder's name in the golden file.
struct GoldenPack {
  const char* detector;
  const char* pack_id;
  const char* embedder;  ///< "" where the file has boxes and landmarks only
};

void PrintTo(const GoldenPack& pack, std::ostream* stream) {
  *stream << pack.pack_id;
}

/// The largest deviations from the golden values.
struct Deviation {
  float box_px = 0;
  float landmark_px = 0;
  float detection_score = 0;
  double cosine_distance = 0;
  double pair_cosine = 0;
};

void expect_the_golden_faces(const std::vector<face::DetectedFace>& detected,
                             const json::array& golden, Deviation& worst) {
  for (const json::value& expected : golden) {
    const auto& box = expected.at("box").as_array();
    const face::BoundingBox there{real(box[0]), real(box[1]), real(box[2]) - real(box[0]),
                                  real(box[3]) - real(box[1])};
    const auto nearest = std::ranges::max_element(detected, {}, [&](const auto& face) {
      return face::intersection_over_union(face.box, there);
    });
    ASSERT_NE(nearest, detected.end());
    const face::BoundingBox& found = nearest->box;
    for (const float difference :
         {found.x - there.x, found.y - there.y, found.x + found.width - real(box[2]),
          found.y + found.height - real(box[3])}) {
      worst.box_px = std::max(worst.box_px, std::abs(difference));
    }
    for (size_t index = 0; index < face::kLandmarkCount; ++index) {
      const auto& point = expected.at("kps").as_array()[index].as_array();
      worst.landmark_px =
          std::max(worst.landmark_px, std::hypot(nearest->landmarks[index].x - real(point[0]),
                                                 nearest->landmarks[index].y - real(point[1])));
    }
    worst.detection_score = std::max(
        worst.detection_score, std::abs(nearest->detection_score - real(expected.at("score"))));
  }
}

class Golden : public testing::TestWithParam<GoldenPack> {};

TEST_P(Golden, BoxesLandmarksAndEmbeddingsAreThoseOfTheReference) {
  SKIP_WITHOUT_TEST_DATA(data);
  const json::value golden = read_json(data / "golden.json");
  const auto& results = golden.at("detectors").at(GetParam().detector).at("results").as_array();
  const std::string embedder = GetParam().embedder;
  const auto loaded = Pipeline::load(test::pack_spec(data, GetParam().pack_id));
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Pipeline& pipeline = **loaded;
  Deviation worst;
  std::vector<face::Embedding> embeddings;
  for (size_t index = 0; index < results.size(); ++index) {
    const std::string path(golden.at("images").as_array()[index].at("path").as_string());
    const image::Photo photo = test::read_photo(data / "lfw" / path);
    // The golden threshold is 0.5 for every detector.
    const auto detected =
        pipeline.detect(photo, {.min_detection_score = 0.5F, .scale_search = ScaleSearch::Single});
    ASSERT_TRUE(detected) << detected.error().message;
    const auto& faces = results[index].at("faces").as_array();
    EXPECT_EQ(detected->size(), faces.size()) << path;
    expect_the_golden_faces(*detected, faces, worst);
    if (embedder.empty()) continue;
    const size_t picked = central_face_index(*detected, photo.width_px, photo.height_px);
    const auto aligned = pipeline.align(photo, (*detected)[picked]).value();
    embeddings.push_back(pipeline.embed({&aligned, 1}).value().front());
    // Of a unit vector's first 8 components only the difference can be compared: with a cosine of
    // 0.99 over 512 components, 8 of them differ by less than sqrt(0.02) together.
    const auto& first8 = results[index].at("embeddings").at(embedder).at("first8").as_array();
    double sum = 0;
    for (size_t component = 0; component < first8.size(); ++component) {
      sum += std::pow(embeddings.back().values[component] - real(first8[component]), 2);
    }
    // As if the difference were as large in every 8 of the 512 components.
    worst.cosine_distance = std::max(worst.cosine_distance, sum * 512 / 8 / 2);
  }
  for (size_t a = 0; a < embeddings.size(); ++a) {
    for (size_t b = 0; b < embeddings.size(); ++b) {
      const auto& matrix = golden.at("detectors").at(GetParam().detector).at("pair_cos");
      const float expected = real(matrix.at(embedder).as_array()[a].as_array()[b]);
      worst.pair_cosine =
          std::max(worst.pair_cosine,
                   std::abs(double{face::similarity(embeddings[a], embeddings[b]).value()} -
                            double{expected}));
    }
  }
  std::printf(
      "%-13s box %.2f px, landmark %.2f px, detection score %.4f, 1 - cosine about %.5f, pair "
      "cosines %.4f\n",
      GetParam().pack_id, worst.box_px, worst.landmark_px, worst.detection_score,
      worst.cosine_distance, worst.pair_cosine);
  EXPECT_LE(worst.box_px, 2);
  EXPECT_LE(worst.landmark_px, 1.5);
  EXPECT_LE(worst.cosine_distance, 0.01);
  EXPECT_LE(worst.pair_cosine, 0.02);
}

INSTANTIATE_TEST_SUITE_P(Vision, Golden,
                         testing::Values(GoldenPack{"yunet_n", "yunet-mbf", "mbf_512"},
                                         GoldenPack{"scrfd_2.5g", "scrfd-mbf", "w600k_mbf"},
                                         GoldenPack{"det_500m", "scrfd500-mbf", "w600k_mbf"},
                                         GoldenPack{"retinaface_mnet025", "retinaface-mbf", ""}),
                         [](const auto& pack) {
                           return std::string(pack.param.detector).substr(0, 5) +
                                  std::to_string(pack.index);
                         });

TEST(OddNetworks, StaticAndShapeComputingScrfdsFindTheSameFaces) {
  SKIP_WITHOUT_TEST_DATA(data);
  const image::Photo photo = test::read_photo(data / "lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg");
  const auto found = [&](const std::filesystem::path& file) {
    const auto detector = Detector::load(test::scrfd(file), {});
    EXPECT_TRUE(detector) << detector.error().message;
    return detector
        ->find(photo.image, {.min_detection_score = {}, .scale_search = ScaleSearch::Single})
        .value();
  };
  for (const auto& [odd, usual] :
       {std::pair{"scrfd_2.5g_static640.onnx", "scrfd-mbf/scrfd_2.5g_bnkps.onnx"},
        std::pair{"scrfd_500m_shape_nodes.onnx", "scrfd500-mbf/det_500m.onnx"}}) {
    const auto odd_faces = found(data / "odd" / odd);
    const auto usual_faces = found(data / "packs" / usual);
    ASSERT_EQ(odd_faces.size(), usual_faces.size()) << odd;
    ASSERT_FALSE(odd_faces.empty());
    // The wider border of black moves the box by a little.
    EXPECT_GT(face::intersection_over_union(odd_faces[0].box, usual_faces[0].box), 0.9) << odd;
  }
}

TEST(OddNetworks, AnEmbedderIsNoDetectorAndNoOtherLengthIsTaken) {
  SKIP_WITHOUT_TEST_DATA(data);
  PipelineSpec spec = test::pack_spec(data, "yunet-mbf");
  spec.detector.file = spec.embedders[0].file;
  EXPECT_EQ(Pipeline::load(spec).error().reason, "network_shape");
  spec = test::pack_spec(data, "yunet-mbf");
  spec.embedders[0].output_length = 128;
  EXPECT_EQ(Pipeline::load(spec).error().reason, "network_shape");
  spec = test::pack_spec(data, "yunet-mbf");
  spec.liveness[0].real_class_index = 3;
  EXPECT_EQ(Pipeline::load(spec).error().reason, "network_shape");
  spec = test::pack_spec(data, "yunet-mbf");
  spec.detector.file = data / "packs/none.onnx";
  EXPECT_EQ(Pipeline::load(spec).error().reason, "model_file_missing");
}

TEST(OddNetworks, ACardWhosePartsDoNotFitIsRefused) {
  PipelineSpec spec;
  EXPECT_EQ(Pipeline::load(spec).error().reason, "card_inconsistent");
  spec.embedders.resize(1);
  spec.embedders[0].landmark_template = landmark_template("dlib_150").value();
  EXPECT_EQ(Pipeline::load(spec).error().reason, "card_inconsistent");
  spec.embedders[0].landmark_template = landmark_template("arcface_112").value();
  spec.embedders[0].landmark_template.points.pop_back();
  EXPECT_EQ(Pipeline::load(spec).error().reason, "card_inconsistent");
  spec.embedders[0].landmark_template = landmark_template("arcface_112").value();
  spec.embedders[0].output_mean = {1, 2, 3};
  EXPECT_EQ(Pipeline::load(spec).error().reason, "card_inconsistent");
}

TEST(FaceapiPack, LandmarksFromTheContourLieWhereYunetSeesThem) {
  SKIP_WITHOUT_TEST_DATA(data);
  SKIP_WITHOUT_PACK(test::kFaceapiPack);
  const auto pipeline = Pipeline::load(test::pack_spec(data, test::kFaceapiPack));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const json::value golden = read_json(data / "golden.json");
  const auto& results = golden.at("detectors").at("yunet_n").at("results").as_array();
  for (size_t index = 0; index < results.size(); ++index) {
    const std::string path(golden.at("images").as_array()[index].at("path").as_string());
    const image::Photo photo = test::read_photo(data / "lfw" / path);
    const auto detected = (*pipeline)->detect(photo).value();
    ASSERT_FALSE(detected.empty()) << path;
    const face::DetectedFace& face =
        detected[central_face_index(detected, photo.width_px, photo.height_px)];
    EXPECT_EQ(face.contour.size(), 68U);
    const auto picked = static_cast<size_t>(results[index].at("picked").to_number<int>());
    const auto& points = results[index].at("faces").as_array()[picked].at("kps").as_array();
    float distance_sum_px = 0;
    for (size_t point = 0; point < face::kLandmarkCount; ++point) {
      distance_sum_px += std::hypot(face.landmarks[point].x - real(points[point].as_array()[0]),
                                    face.landmarks[point].y - real(points[point].as_array()[1]));
    }
    // Two networks, trained on other marks: within a sixth of the distance of the eyes, 45 px, on
    // average; single points of faces that look aside are up to 13 px apart.
    EXPECT_LE(distance_sum_px / face::kLandmarkCount, 7.5F) << path;
    const auto crop = (*pipeline)->align(photo, face);
    ASSERT_TRUE(crop) << crop.error().message;
    EXPECT_EQ((*pipeline)->embed(std::span(&*crop, 1)).value().front().values.size(), 128U);
  }
}

TEST(Liveness, ProbabilitiesOfTheSamplePhotosAreThoseOfTheReference) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto specs = test::pack_spec(data, "yunet-mbf").liveness;
  const auto networks = LivenessNetworks::load(specs, {});
  ASSERT_TRUE(networks) << networks.error().message;
  const json::value samples = read_json(data / "antispoof/expected.json");
  for (const json::value& expected : samples.as_array()) {
    const auto& box = expected.at("bbox_xywh").as_array();
    const image::Photo photo =
        test::read_photo(data / "antispoof" / std::string(expected.at("image").as_string()));
    const auto probability = networks->probability(
        photo.image, {real(box[0]), real(box[1]), real(box[2]), real(box[3])});
    ASSERT_TRUE(probability) << probability.error().message;
    // Boxes are rounded in the file, and the decoders differ by a grey level.
    EXPECT_NEAR(*probability, real(expected.at("mean").as_array()[1]), 0.05)
        << expected.at("image") << " " << expected.at("boxes");
  }
}

TEST(Liveness, TheRealSampleIsLikelierAliveThanTheFakesAfterOurOwnDetection) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto pipeline = Pipeline::load(test::pack_spec(data, "yunet-mbf"));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const auto probability = [&](const char* name) {
    const image::Photo photo = test::read_photo(data / "antispoof" / name);
    const auto faces = (*pipeline)->detect(photo).value();
    EXPECT_FALSE(faces.empty()) << name;
    const float value = (*pipeline)->liveness(photo, faces.at(0)).value().value();
    std::printf("liveness of %s: %.3f\n", name, value);
    return value;
  };
  EXPECT_GT(probability("image_T1.jpg"), 0.9);
  EXPECT_LT(probability("image_F1.jpg"), 0.3);
  EXPECT_LT(probability("image_F2.jpg"), 0.3);
}

TEST(Liveness, APackWithoutSuchANetworkGivesNothing) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto pipeline = Pipeline::load(test::pack_spec(data, "scrfd500-mbf"));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const image::Photo photo = test::read_photo(data / "antispoof/image_T1.jpg");
  EXPECT_FALSE((*pipeline)->liveness(photo, {.box = {119, 109, 177, 248}}).value());
}

TEST(Liveness, ABoxWithoutAreaIsRefused) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto specs = test::pack_spec(data, "yunet-mbf").liveness;
  const auto networks = LivenessNetworks::load(specs, {});
  ASSERT_TRUE(networks);
  const image::Image image = image::Image::create(50, 50);
  EXPECT_EQ(networks->probability(image, {5, 5, 0, 9}).error().reason, "box_outside_photo");
  EXPECT_EQ(networks->probability(image, {NAN, 5, 9, 9}).error().reason, "box_outside_photo");
}

/// Some part of a photo as a crop of the template arcface_112.
face::AlignedCrop arcface_crop(const image::Image& image, int left_px) {
  return {image::resize(image::crop(image, {left_px, 60, 130, 130}), 112, 112), "arcface_112"};
}

TEST(Embed, SeveralNetworksGiveTheirWeightedOutputsOneAfterTheOther) {
  SKIP_WITHOUT_TEST_DATA(data);
  const PipelineSpec first = test::pack_spec(data, "scrfd500-mbf");
  const PipelineSpec second = test::pack_spec(data, "yunet-mbf");
  PipelineSpec both = first;
  both.embedders.push_back(second.embedders[0]);
  both.embedders[1].weight = 0.5F;
  both.metric = face::Metric::L2;
  const image::Photo photo = test::read_photo(data / "lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg");
  face::AlignedFace aligned;
  aligned.crops.push_back(arcface_crop(photo.image, 60));
  const auto embedding = [&](const PipelineSpec& spec) {
    const auto pipeline = Pipeline::load(spec);
    EXPECT_TRUE(pipeline) << pipeline.error().message;
    return (*pipeline)->embed({&aligned, 1}).value().front().values;
  };
  std::vector<float> expected = embedding(first);
  for (const float value : embedding(second)) expected.push_back(value / 2);
  EXPECT_THAT(embedding(both), testing::Pointwise(testing::FloatNear(1e-6F), expected));
  // As a cosine pack the whole has unit length: divided by sqrt(1 + 0.5^2).
  both.metric = face::Metric::Cosine;
  for (float& value : expected) value /= std::sqrt(1.25F);
  EXPECT_THAT(embedding(both), testing::Pointwise(testing::FloatNear(1e-6F), expected));
}

TEST(Embed, WithMirrorAveragingAFaceAndItsMirrorImageAreOne) {
  SKIP_WITHOUT_TEST_DATA(data);
  PipelineSpec spec = test::pack_spec(data, "scrfd500-mbf");
  spec.embedders[0].mirror_averaging = MirrorAveraging::On;
  const auto pipeline = Pipeline::load(spec);
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const image::Photo photo = test::read_photo(data / "lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg");
  std::vector<face::AlignedFace> faces(2);
  faces[0].crops.push_back(arcface_crop(photo.image, 60));
  faces[1].crops.push_back(arcface_crop(photo.image, 60));
  image::Image& mirrored = faces[1].crops[0].pixels;
  for (int y = 0; y < mirrored.height_px(); ++y) {
    for (int x = 0; x < mirrored.width_px(); ++x) {
      for (int channel = 0; channel < image::kChannels; ++channel) {
        const auto at = [&](int column) {
          return static_cast<size_t>(column * image::kChannels + channel);
        };
        mirrored.row(y)[at(x)] = faces[0].crops[0].pixels.row(y)[at(mirrored.width_px() - 1 - x)];
      }
    }
  }
  const auto embeddings = (*pipeline)->embed(faces).value();
  EXPECT_THAT(embeddings[1].values,
              testing::Pointwise(testing::FloatNear(1e-5F), embeddings[0].values));
}

TEST(Embed, ManyCropsComeBackInOrderAndLikeOneByOne) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto pipeline = Pipeline::load(test::pack_spec(data, "scrfd500-mbf"));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const image::Photo photo = test::read_photo(data / "lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg");
  std::vector<face::AlignedFace> faces(37);
  for (int index = 0; index < 37; ++index) {
    faces[static_cast<size_t>(index)].crops.push_back(arcface_crop(photo.image, index));
  }
  const auto together = (*pipeline)->embed(faces);
  ASSERT_TRUE(together) << together.error().message;
  ASSERT_EQ(together->size(), faces.size());
  for (const size_t index : {size_t{0}, size_t{31}, size_t{32}, size_t{36}}) {
    const auto alone = (*pipeline)->embed(std::span(faces).subspan(index, 1)).value();
    EXPECT_GT(face::similarity(alone[0], (*together)[index]).value(), 0.9999F);
    double length = 0;
    for (const float value : alone[0].values) length += double{value} * double{value};
    EXPECT_NEAR(length, 1, 1e-5);
  }
  EXPECT_TRUE((*pipeline)->embed({}).value().empty());
}

TEST(Quality, ABlurredFaceIsLessSharpAndADarkOneLessBright) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto pipeline = Pipeline::load(test::pack_spec(data, "scrfd500-mbf"));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const auto quality_of = [&](const image::Photo& photo) {
    const auto faces = (*pipeline)->detect(photo).value();
    return (*pipeline)->quality(photo, faces.at(0), (*pipeline)->align(photo, faces.at(0)).value());
  };
  const image::Photo photo = test::read_photo(data / "lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg");
  const face::Quality plain = quality_of(photo);
  const image::Photo blurred =
      test::as_photo(image::resize(image::resize(photo.image, 60, 60), 250, 250));
  image::Photo dark = test::as_photo(photo.image.clone());
  for (uint8_t& value : dark.image.pixels()) value /= 3;
  EXPECT_LT(quality_of(blurred).sharpness, 20);
  EXPECT_GT(plain.sharpness, 20);
  EXPECT_NEAR(quality_of(dark).brightness, plain.brightness / 3, 0.02);
  EXPECT_NEAR(plain.face_size_px, 95, 15);
  // LFW's deep-funneled faces are nearly upright, and this one looks into the camera.
  EXPECT_NEAR(plain.roll_deg, 0, 10);
  EXPECT_NEAR(plain.yaw_deg, 0, 20);
}

}  // namespace
}  // namespace faceforge::vision
