// Compares the converted networks with the npm package's own JavaScript
// (tests/faceapi_reference.mjs).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/sha256.h"
#include "face/embedding.h"
#include "image/image.h"
#include "image/resample.h"
#include "nn/network.h"
#include "packs/card.h"
#include "packs/faceapi_convert.h"
#include "packs/internal/npm_package.h"
#include "packs/internal/reference_test_floats.h"
#include "packs/known_cards.h"
#include "packs/registry.h"
#include "support/test_data.h"
#include "vision/pipeline.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using test::expect_close;
using test::largest_difference;
using test::read_floats;
using test::write_floats;

constexpr int kSsdSide = 512;
constexpr int kTinySide = 416;
constexpr int kContourSide = 112;
constexpr int kRecognitionSide = 150;

const fs::path kPackage = test::source_folder() / "packaging/npm/node_modules/@vladmandic/face-api";

#define SKIP_WITHOUT_PACKAGE()                                                               \
  if (!fs::exists(kPackage / "package.json"))                                                \
  GTEST_SKIP() << "run `npm ci --ignore-scripts` in packaging/npm: @vladmandic/face-api is " \
                  "not there"

/// Blotches of colour with grain: neither flat nor all noise, and the same every time.
image::Image painted(int side_px, unsigned seed) {
  std::mt19937 random(seed);
  image::Image picture = image::Image::create(side_px, side_px);
  for (int y = 0; y < side_px; ++y) {
    for (int x = 0; x < side_px; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        const double wave = std::sin(x * 0.031 * (channel + 1)) * std::cos(y * 0.047 + channel);
        const double grain = static_cast<double>(random() % 64);
        picture.row(y)[static_cast<size_t>(x * 3 + channel)] =
            static_cast<uint8_t>(96 + 80 * wave + grain);
      }
    }
  }
  return picture;
}

struct Pictures {
  image::Image ssd;
  image::Image tiny;
  image::Image contour;
  image::Image recognition;
};

/// A photo of the test data, as a detector, a landmark network and a recognizer would see it.
Pictures photographed(const fs::path& path) {
  const auto file = read_file(path, 1 << 20);
  const auto photo = image::decode(*file, {});
  const image::Image& whole = photo->image;
  const image::Image face = image::crop(whole, {.x = 65, .y = 60, .width = 120, .height = 120});
  return {.ssd = image::pad(image::resize(whole, 500, 500), kSsdSide, kSsdSide),
          .tiny = image::pad(image::resize(whole, 400, 400), kTinySide, kTinySide),
          .contour = image::resize(face, kContourSide, kContourSide),
          .recognition = image::resize(face, kRecognitionSide, kRecognitionSide)};
}

/// The first photos of that many people of the test data.
std::vector<Pictures> photographed_people(const fs::path& data, size_t count) {
  std::vector<fs::path> people;
  for (const auto& entry : fs::directory_iterator(data / "lfw")) people.push_back(entry.path());
  std::ranges::sort(people);
  std::vector<Pictures> all;
  for (const fs::path& person : people) {
    if (all.size() == count) break;
    all.push_back(photographed(person / (person.filename().string() + "_0001.jpg")));
  }
  return all;
}

/// One network's pictures of all, one after the other.
std::vector<float> floats_of(const std::vector<Pictures>& all, image::Image Pictures::*which) {
  std::vector<float> values;
  for (const Pictures& pictures : all) {
    const auto pixels = (pictures.*which).pixels();
    values.insert(values.end(), pixels.begin(), pixels.end());
  }
  return values;
}

/// As the pipeline does it: channels first, mean and scale of the card.
nn::Tensor normalized(const image::Image& picture, const vision::InputNormalization& input) {
  const int64_t side = picture.width_px();
  nn::Tensor tensor{.shape = {1, 3, side, side}, .values = {}};
  for (size_t channel = 0; channel < 3; ++channel) {
    for (size_t pixel = 0; pixel < static_cast<size_t>(side * side); ++pixel) {
      const float value = picture.pixels()[pixel * 3 + channel];
      tensor.values.push_back((value - input.mean[channel]) / input.scale[channel]);
    }
  }
  return tensor;
}

/// The same of all, as one batch.
nn::Tensor normalized(const std::vector<Pictures>& all, image::Image Pictures::*which,
                      const vision::InputNormalization& input) {
  nn::Tensor batch;
  for (const Pictures& pictures : all) {
    const nn::Tensor one = normalized(pictures.*which, input);
    batch.shape = one.shape;
    batch.values.insert(batch.values.end(), one.values.begin(), one.values.end());
  }
  batch.shape[0] = static_cast<int64_t>(all.size());
  return batch;
}

float sigmoid(float logit) {
  return 1 / (1 + std::exp(-logit));
}

/// Corners ymin, xmin, ymax, xmax in 0..1 of every prior's box. source: Liu et al. 2016, eq. 2.
std::vector<float> decoded(const nn::Tensor& encodings, const nn::Tensor& priors) {
  std::vector<float> corners;
  for (size_t row = 0; row < encodings.values.size(); row += 4) {
    const float* prior = &priors.values[row % priors.values.size()];  // the same of each picture
    const float* code = &encodings.values[row];
    const float height = prior[2] - prior[0];
    const float width = prior[3] - prior[1];
    const float y = code[0] / 10 * height + (prior[0] + prior[2]) / 2;
    const float x = code[1] / 10 * width + (prior[1] + prior[3]) / 2;
    const float half_height = std::exp(code[2] / 5) * height / 2;
    const float half_width = std::exp(code[3] / 5) * width / 2;
    corners.insert(corners.end(),
                   {y - half_height, x - half_width, y + half_height, x + half_width});
  }
  return corners;
}

const nn::Tensor& output(const nn::Network& network, const std::vector<nn::Tensor>& outputs,
                         std::string_view name) {
  const auto port = std::ranges::find(network.outputs(), name, &nn::PortInfo::name);
  return outputs.at(static_cast<size_t>(port - network.outputs().begin()));
}

const NpmPackage kWanted{.name = "@vladmandic/face-api", .version = "1.7.15"};

void convert(const std::vector<std::string>& files, const fs::path& destination) {
  const auto done = convert_npm_package(kWanted, kPackage, files, destination);
  ASSERT_TRUE(done) << done.error().message;
}

/// The three networks, converted once.
class Faceapi : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(kPackage / "package.json")) return;
    folder_ = std::make_unique<test::TemporaryFolder>();
    convert({kFaceapiDetectorFile, kFaceapiContourFile, kFaceapiEmbedderFile}, folder_->path());
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static nn::Network network(const char* file) {
    auto loaded = nn::Network::load(folder_->path() / file);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return *std::move(loaded);
  }

  static void compare(const std::vector<Pictures>& all);

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
};

/// Compares a detector's boxes and scores with what the JavaScript wrote under `name`.
void compare_boxes(const std::string& name, const nn::Network& network, const nn::Tensor& input,
                   const fs::path& folder) {
  std::vector<float> scores;
  std::vector<float> boxes;
  // One by one: twenty pictures at once are beyond the limit on activations.
  const auto size = static_cast<int64_t>(input.values.size()) / input.shape[0];
  for (auto first = input.values.begin(); first != input.values.end(); first += size) {
    nn::Tensor picture{input.shape, {first, first + size}};
    picture.shape[0] = 1;
    const auto found = network.run(picture);
    ASSERT_TRUE(found) << found.error().message;
    for (const float logit : output(network, *found, "class_scores").values) {
      scores.push_back(sigmoid(logit));
    }
    const auto own =
        decoded(output(network, *found, "box_encodings"), output(network, *found, "priors"));
    boxes.insert(boxes.end(), own.begin(), own.end());
  }
  expect_close((name + "_scores").c_str(), scores, read_floats(folder / (name + "_scores.f32")),
               1e-4F);
  // Relative to the picture: 1e-4 is a twentieth of a pixel.
  expect_close((name + "_boxes").c_str(), boxes, read_floats(folder / (name + "_boxes.f32")),
               1e-4F);
}

void Faceapi::compare(const std::vector<Pictures>& all) {
  const test::TemporaryFolder exchange;
  write_floats(exchange.path() / "ssd.f32", floats_of(all, &Pictures::ssd));
  write_floats(exchange.path() / "tiny.f32", floats_of(all, &Pictures::tiny));
  write_floats(exchange.path() / "landmarks.f32", floats_of(all, &Pictures::contour));
  write_floats(exchange.path() / "recognition.f32", floats_of(all, &Pictures::recognition));
  const std::string command =
      fmt::format("node '{}/tests/faceapi_reference.mjs' '{}' '{}' > '{}/log' 2>&1",
                  test::source_folder().string(), kPackage.string(), exchange.path().string(),
                  exchange.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0)
      << read_text_file(exchange.path() / "log", 1 << 20).value_or("").substr(0, 2'000);
  const Card& card = *find_known_card("faceapi");

  const vision::InputNormalization ssd_input{.mean = {127.5F, 127.5F, 127.5F},
                                             .scale = {127.5F, 127.5F, 127.5F}};
  compare_boxes("ssd", network(kFaceapiDetectorFile), normalized(all, &Pictures::ssd, ssd_input),
                exchange.path());
  convert({kFaceapiTinyDetectorFile}, exchange.path());
  const auto tiny = nn::Network::load(exchange.path() / kFaceapiTinyDetectorFile);
  ASSERT_TRUE(tiny) << tiny.error().message;
  const vision::InputNormalization tiny_input{.mean = {117.001F, 114.697F, 97.404F},
                                              .scale = {255, 255, 255}};
  compare_boxes("tiny", *tiny, normalized(all, &Pictures::tiny, tiny_input), exchange.path());

  const auto points =
      network(kFaceapiContourFile).run(normalized(all, &Pictures::contour, card.contour->input));
  ASSERT_TRUE(points) << points.error().message;
  expect_close("landmarks", points->at(0).values,
               read_floats(exchange.path() / "landmarks_out.f32"), 1e-5F);

  const auto descriptor =
      network(kFaceapiEmbedderFile)
          .run(normalized(all, &Pictures::recognition, card.embedders.at(0).input));
  ASSERT_TRUE(descriptor) << descriptor.error().message;
  expect_close("descriptor", descriptor->at(0).values,
               read_floats(exchange.path() / "descriptor.f32"), 1e-4F);
}

TEST_F(Faceapi, AnswersAsThePackagesOwnJavaScriptDoesOnAPaintedPicture) {
  SKIP_WITHOUT_PACKAGE();
  std::vector<Pictures> one;
  one.push_back({.ssd = painted(kSsdSide, 1),
                 .tiny = painted(kTinySide, 6),
                 .contour = painted(kContourSide, 2),
                 .recognition = painted(kRecognitionSide, 3)});
  compare(one);
}

TEST_F(Faceapi, AnswersAsThePackagesOwnJavaScriptDoesOnPhotos) {
  SKIP_WITHOUT_PACKAGE();
  SKIP_WITHOUT_TEST_DATA(data);
  // The JavaScript takes ten seconds a photo: twenty of them are for the long runs.
  const size_t count = std::getenv("FACEFORGE_SOAK") != nullptr ? 20 : 2;
  const auto all = photographed_people(data, count);
  ASSERT_EQ(all.size(), count);
  compare(all);
}

TEST_F(Faceapi, ABatchAnswersAsItsPicturesDoOneByOne) {
  SKIP_WITHOUT_PACKAGE();
  const Card& card = *find_known_card("faceapi");
  const nn::Network embedder = network(kFaceapiEmbedderFile);
  const nn::Tensor first = normalized(painted(kRecognitionSide, 4), card.embedders.at(0).input);
  const nn::Tensor second = normalized(painted(kRecognitionSide, 5), card.embedders.at(0).input);
  nn::Tensor both = first;
  both.shape[0] = 2;
  both.values.insert(both.values.end(), second.values.begin(), second.values.end());
  auto alone = embedder.run(first)->at(0).values;
  const auto other = embedder.run(second)->at(0).values;
  alone.insert(alone.end(), other.begin(), other.end());
  EXPECT_LE(largest_difference(embedder.run(both)->at(0).values, alone), 1e-5F);
}

TEST_F(Faceapi, TheSamePackageGivesTheBytesThatTheCardKnows) {
  // ModelIds of galleries rest on these bytes: a change of the writer must not change them unseen.
  SKIP_WITHOUT_PACKAGE();
  const test::TemporaryFolder folder;
  const Card& card = *find_known_card("faceapi");
  std::vector<std::string> files;
  for (const PackFile& file : card.files) files.push_back(file.path);
  for (const NpmPackage& package : card.source.packages) {
    const auto found = find_npm_package(package.name, std::vector{kPackage});
    ASSERT_TRUE(found) << found.error().message;
    const auto done = convert_npm_package(package, *found, files, folder.path());
    ASSERT_TRUE(done) << done.error().message;
  }
  for (const PackFile& file : card.files) {
    const auto hash = sha256_file(folder.path() / file.path);
    ASSERT_TRUE(hash);
    EXPECT_EQ(to_hex(*hash), file.sha256.value_or("")) << file.path;
    EXPECT_EQ(static_cast<int64_t>(fs::file_size(folder.path() / file.path)),
              file.size_bytes.value_or(0))
        << file.path;
  }
}

TEST_F(Faceapi, WeightsThatAreMissingOrOfAnotherShapeAreNamed) {
  SKIP_WITHOUT_PACKAGE();
  struct Case {
    const char* weights;
    const char* tensor;
    Result<std::vector<std::byte>> (*build)(const NpmWeights&);
  };
  for (const Case& one :
       {Case{"ssd_mobilenetv1_model", "Output/extra_dim", build_ssd_mobilenet},
        Case{"tiny_face_detector_model", "conv3/pointwise_filter", build_tiny_face_detector},
        Case{"face_landmark_68_model", "dense2/conv1/bias", build_face_landmark_68},
        Case{"face_recognition_model", "conv64_down/conv1/scale/weights",
             build_face_recognition}}) {
    NpmWeights weights = *read_npm_weights(kPackage / "model", one.weights);
    ASSERT_TRUE(one.build(weights));
    weights.at(one.tensor).shape.push_back(1);
    const auto misshapen = one.build(weights);
    ASSERT_FALSE(misshapen) << one.tensor;
    EXPECT_EQ(misshapen.error().reason, "weight_shape");
    EXPECT_THAT(misshapen.error().message, ::testing::HasSubstr(one.tensor));
    weights.erase(one.tensor);
    const auto missing = one.build(weights);
    ASSERT_FALSE(missing) << one.tensor;
    EXPECT_EQ(missing.error().reason, "weight_missing");
    EXPECT_THAT(missing.error().message, ::testing::HasSubstr(one.tensor));
  }
}

TEST_F(Faceapi, InstalledFromTheNpmPackageItFindsAndTellsPeopleApart) {
  SKIP_WITHOUT_PACKAGE();
  SKIP_WITHOUT_TEST_DATA(data);
  const test::TemporaryFolder folder;
  const Registry registry({.packs_folder = folder.path() / "packs"});
  const auto report = registry.install(
      "faceapi", {.licence_consent = LicenceConsent::Given, .npm_folders = {kPackage}});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->outcome, InstallOutcome::Installed);
  EXPECT_EQ(registry.default_pack()->card.id, "faceapi");
  const auto pipeline = vision::Pipeline::load(*registry.open(""));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  const auto embedding_of = [&](const char* name) {
    const auto file = read_file(data / "lfw" / name, 1 << 20).value();
    const auto photo = image::decode(file, {}).value();
    const auto faces = (*pipeline)->detect(photo).value();
    EXPECT_GE(faces.size(), 1U) << name;
    const size_t central = vision::central_face_index(faces, photo.width_px, photo.height_px);
    const auto aligned = (*pipeline)->align(photo, faces[central]).value();
    return (*pipeline)->embed({&aligned, 1}).value().at(0);
  };
  const auto one = embedding_of("Abdullah_Gul/Abdullah_Gul_0001.jpg");
  const auto same = embedding_of("Abdullah_Gul/Abdullah_Gul_0002.jpg");
  const auto other = embedding_of("AJ_Cook/AJ_Cook_0001.jpg");
  const auto& points = report->card.calibration.value().points;
  const auto at_1e_3 = std::ranges::find(points, 1e-3, &face::CalibrationPoint::false_match_rate);
  ASSERT_NE(at_1e_3, points.end());
  EXPECT_GT(face::similarity(one, same).value(), at_1e_3->match_threshold);
  EXPECT_LT(face::similarity(one, other).value(), at_1e_3->match_threshold);
}

TEST_F(Faceapi, AFolderThatIsAnotherPackageOrVersionIsRefused) {
  const test::TemporaryFolder folder;
  const auto reason_of_refusal = [&] {
    const auto done = convert_npm_package(
        kWanted, folder.path(), std::vector<std::string>{kFaceapiDetectorFile}, folder.path());
    EXPECT_FALSE(done);
    return done ? std::string() : done.error().reason;
  };
  const auto write_package = [&](std::string_view text) {
    ASSERT_TRUE(write_file_atomically(folder.path() / "package.json", text));
  };
  EXPECT_EQ(reason_of_refusal(), "npm_package_missing");
  write_package("{");
  EXPECT_EQ(reason_of_refusal(), "npm_package_differs");
  write_package(R"({"name": "@vladmandic/face-api"})");
  EXPECT_EQ(reason_of_refusal(), "npm_package_differs");
  write_package(R"({"name": "@vladmandic/face-api", "version": "1.7.14"})");
  EXPECT_EQ(reason_of_refusal(), "npm_package_differs");
  write_package(R"({"name": "@vladmandic/face-api", "version": "1.7.15"})");
  EXPECT_EQ(reason_of_refusal(), "file_not_found");
}

}  // namespace
}  // namespace faceforge::packs
