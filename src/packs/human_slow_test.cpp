// Compares the converted networks with the npm package's own JavaScript
// (tests/graph_model_reference.mjs), on photos.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/sha256.h"
#include "image/image.h"
#include "image/resample.h"
#include "nn/network.h"
#include "packs/graph_model_convert.h"
#include "packs/human_convert.h"
#include "packs/internal/npm_package.h"
#include "packs/internal/reference_test_floats.h"
#include "packs/registry.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using test::expect_close;
using test::read_floats;
using test::write_floats;

const fs::path kPackage = test::source_folder() / "packaging/npm/node_modules/@vladmandic/human";
constexpr const char* kVersion = "3.3.6";

Result<void> convert(const fs::path& package_folder, const fs::path& destination) {
  return convert_npm_package({.name = "@vladmandic/human", .version = kVersion}, package_folder,
                             std::vector<std::string>{kHumanEmbedderFile, kHumanDetectorFile},
                             destination);
}

#define SKIP_WITHOUT_PACKAGE()                                                            \
  if (!fs::exists(kPackage / "package.json"))                                             \
  GTEST_SKIP() << "run `npm ci --ignore-scripts` in packaging/npm: @vladmandic/human is " \
                  "not there"

/// A pixel of red, green and blue as a network wants it.
using Normalize = std::function<std::array<float, 3>(const uint8_t* rgb)>;

std::array<float, 3> minus_means(const uint8_t* rgb) {
  return {static_cast<float>(rgb[2]) - 103.939F, static_cast<float>(rgb[1]) - 116.779F,
          static_cast<float>(rgb[0]) - 123.68F};
}

std::array<float, 3> minus_one_to_one(const uint8_t* rgb) {
  const auto scaled = [](uint8_t value) { return static_cast<float>(value) / 127.5F - 1; };
  return {scaled(rgb[0]), scaled(rgb[1]), scaled(rgb[2])};
}

/// The faces of that many photos of the test data, one a person.
std::vector<image::Image> faces(const fs::path& data, size_t count, int side_px) {
  std::vector<fs::path> people;
  for (const auto& entry : fs::directory_iterator(data / "lfw")) people.push_back(entry.path());
  std::ranges::sort(people);
  std::vector<image::Image> faces;
  for (size_t index = 0; index < count && index < people.size(); ++index) {
    const std::string name = people[index].filename().string() + "_0001.jpg";
    const auto photo = image::decode(*read_file(people[index] / name, 1 << 20), {});
    const auto face = image::crop(photo->image, {.x = 55, .y = 55, .width = 140, .height = 140});
    faces.push_back(image::resize(face, side_px, side_px));
  }
  return faces;
}

/// As [batch, channel, row, column] for our network, and by rows for the JavaScript.
struct Batch {
  nn::Tensor ours;
  std::vector<float> theirs;
};

Batch batch_of(const std::vector<image::Image>& pictures, const Normalize& normalize) {
  const int64_t side = pictures[0].width_px();
  const auto area = static_cast<size_t>(side * side);
  Batch batch;
  batch.ours.shape = {static_cast<int64_t>(pictures.size()), 3, side, side};
  batch.ours.values.resize(pictures.size() * area * 3);
  for (size_t index = 0; index < pictures.size(); ++index) {
    for (size_t pixel = 0; pixel < area; ++pixel) {
      const auto values = normalize(&pictures[index].pixels()[pixel * 3]);
      for (size_t channel = 0; channel < 3; ++channel) {
        batch.ours.values[(index * 3 + channel) * area + pixel] = values[channel];
        batch.theirs.push_back(values[channel]);
      }
    }
  }
  return batch;
}

/// Sums of a thousand products in another order, through up to 60 layers, differ by a few
/// millionths of the largest number. Both sides may also agree to the last bit: TensorFlow.js adds
/// products one by one into 32-bit floats, and so does oneDNN with AVX-512, in the same order.
constexpr float kTolerance = 1e-5F;

/// Runs a network of the package both ways. in: `tensors` the graph's, one an output
void compare(const std::string& model, const nn::Network& network, const Batch& batch,
             const std::vector<std::string>& tensors) {
  const test::TemporaryFolder exchange;
  write_floats(exchange.path() / "input.f32", batch.theirs);
  const std::string command =
      fmt::format("node '{}/tests/graph_model_reference.mjs' '{}' {} {} '{}' '{}' > '{}/log' 2>&1",
                  test::source_folder().string(), kPackage.string(), model, batch.ours.shape[3],
                  exchange.path().string(), fmt::join(tensors, "' '"), exchange.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0)
      << read_text_file(exchange.path() / "log", 1 << 20).value_or("").substr(0, 2'000);
  const auto outputs = network.run(batch.ours);
  ASSERT_TRUE(outputs) << outputs.error().message;
  for (size_t index = 0; index < tensors.size(); ++index) {
    const auto theirs = read_floats(exchange.path() / fmt::format("{}.f32", index));
    float largest = 1;
    for (const float value : theirs) largest = std::max(largest, std::abs(value));
    expect_close(fmt::format("{}_{}", model, network.outputs()[index].name).c_str(),
                 outputs->at(index).values, theirs, kTolerance * largest);
  }
}

TEST(Human, FaceResAnswersAsThePackagesOwnJavaScriptDoesOnTwentyPhotos) {
  SKIP_WITHOUT_PACKAGE();
  SKIP_WITHOUT_TEST_DATA(data);
  const test::TemporaryFolder folder;
  const auto done = convert(kPackage, folder.path());
  ASSERT_TRUE(done) << done.error().message;
  const auto network = nn::Network::load(folder.path() / kHumanEmbedderFile);
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_THAT(network->outputs()[0].shape, ::testing::ElementsAre(-1, 1024));
  compare("faceres", *network, batch_of(faces(data, 20, 224), minus_means),
          {"global_pooling/Mean"});
}

TEST(Human, BlazeFaceAnswersAsThePackagesOwnJavaScriptDoesOnTwentyPhotos) {
  SKIP_WITHOUT_PACKAGE();
  SKIP_WITHOUT_TEST_DATA(data);
  const test::TemporaryFolder folder;
  const auto done = convert(kPackage, folder.path());
  ASSERT_TRUE(done) << done.error().message;
  const auto network = nn::Network::load(folder.path() / kHumanDetectorFile);
  ASSERT_TRUE(network) << network.error().message;
  compare("blazeface", *network, batch_of(faces(data, 20, 256), minus_one_to_one),
          {"Identity", "Identity_1", "Identity_2", "Identity_3"});
}

TEST(Human, EveryOtherFaceNetworkOfThePackageConvertsAndAnswersAlikeOnTwentyPhotos) {
  SKIP_WITHOUT_PACKAGE();
  SKIP_WITHOUT_TEST_DATA(data);
  struct Case {
    const char* model;
    int side_px;
    std::vector<std::string> tensors;
  };
  for (const Case& one : {Case{"facemesh", 192, {"Identity", "Identity_1", "Identity_2"}},
                          Case{"iris", 64, {"Identity"}}, Case{"antispoof", 128, {"Identity"}},
                          Case{"liveness", 32, {"Identity"}},
                          Case{"faceres", 224, {"gender_pred/Sigmoid:0", "age_pred/Softmax:0"}}}) {
    const auto model = read_graph_model(kPackage / "models" / fmt::format("{}.json", one.model));
    ASSERT_TRUE(model) << one.model << ": " << model.error().message;
    std::vector<GraphOutput> outputs;
    for (const std::string& tensor : one.tensors) {
      outputs.push_back({.tensor = tensor, .name = fmt::format("output_{}", outputs.size())});
    }
    const auto bytes = convert_graph_model(*model, one.model, outputs);
    ASSERT_TRUE(bytes) << one.model << ": " << bytes.error().message;
    const auto network = nn::Network::parse(*bytes);
    ASSERT_TRUE(network) << one.model << ": " << network.error().message;
    compare(one.model, *network, batch_of(faces(data, 20, one.side_px), minus_one_to_one),
            one.tensors);
  }
}

TEST(Human, TheSamePackageGivesTheSameBytes) {
  // ModelIds of galleries rest on these bytes: a change of the writer must not change them unseen.
  SKIP_WITHOUT_PACKAGE();
  const test::TemporaryFolder folder;
  ASSERT_TRUE(convert(kPackage, folder.path()));
  const auto hash_of = [&](const char* file) {
    return to_hex(sha256_file(folder.path() / file).value());
  };
  EXPECT_EQ(hash_of(kHumanEmbedderFile),
            "e14cbd0000c07314dc0787397e4d7d37b543930ac7c227af1fde7c293b9772d6");
  EXPECT_EQ(hash_of(kHumanDetectorFile),
            "33c479ee5a1ada5a214e5ccfa9b2635bce0885cad5bf9a1b2e4fb75c032a3c07");
}

TEST(Human, AFolderThatIsAnotherPackageOrVersionIsRefused) {
  const test::TemporaryFolder folder;
  const auto reason_of = [&] {
    const auto done = convert(folder.path(), folder.path());
    EXPECT_FALSE(done);
    EXPECT_FALSE(fs::exists(folder.path() / kHumanEmbedderFile));
    return done ? std::string() : done.error().reason;
  };
  const auto write_package = [&](std::string_view text) {
    ASSERT_TRUE(write_file_atomically(folder.path() / "package.json", text));
  };
  EXPECT_EQ(reason_of(), "npm_package_missing");
  write_package(R"({"name": "@vladmandic/human", "version": "3.3.5"})");
  EXPECT_EQ(reason_of(), "npm_package_differs");
  write_package(R"({"name": "@vladmandic/face-api", "version": "3.3.6"})");
  EXPECT_EQ(reason_of(), "npm_package_differs");
  write_package(R"({"name": "@vladmandic/human", "version": "3.3.6"})");
  EXPECT_EQ(reason_of(), "file_not_found");
}

/// A `node_modules` with the package's face-api beside a BlazeFace and a FaceRes whose files may be
/// changed.
class ChangedPackage : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_PACKAGE();
    fs::create_directories(human() / "models");
    fs::create_directory_symlink(kPackage.parent_path() / "face-api",
                                 human().parent_path() / "face-api");
    for (const char* file : {"package.json", "models/faceres.json", "models/faceres.bin",
                             "models/blazeface.json", "models/blazeface.bin"}) {
      fs::copy_file(kPackage / file, human() / file);
    }
  }

  fs::path human() const { return folder_.path() / "node_modules/@vladmandic/human"; }
  fs::path packs() const { return folder_.path() / "packs"; }

  Result<InstallReport> install(OtherWeights other_weights = OtherWeights::Refused) const {
    return Registry({.packs_folder = packs()})
        .install("faceapi", {.licence_consent = LicenceConsent::Given,
                             .npm_folders = {folder_.path() / "node_modules"},
                             .other_weights = other_weights});
  }

  /// Replaces what a file of the package says.
  void change(const char* file, const std::function<void(std::string&)>& how) const {
    std::string text = read_text_file(human() / file, 1 << 25).value();
    how(text);
    ASSERT_TRUE(write_file_atomically(human() / file, std::string_view(text)));
  }

  void expect_refused(std::string_view reason, std::string_view words,
                      OtherWeights other_weights = OtherWeights::Refused) const {
    const auto report = install(other_weights);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().reason, reason) << report.error().message;
    EXPECT_THAT(report.error().message, ::testing::HasSubstr(std::string(words)));
    // Nothing is half installed: at most the empty lock file is left.
    for (const auto& entry : fs::recursive_directory_iterator(packs())) {
      EXPECT_EQ(entry.path().filename(), ".lock");
    }
  }

  test::TemporaryFolder folder_;
};

TEST_F(ChangedPackage, AnUnknownOperatorIsNamedAndNothingIsInstalled) {
  change("models/faceres.json", [](std::string& text) {
    const std::string op = "DepthwiseConv2dNative";
    text.replace(text.find(op), op.size(), "DepthwiseConv9dNative");
  });
  expect_refused("graph_operator_unsupported", "DepthwiseConv9dNative");
}

TEST_F(ChangedPackage, WeightsShorterOrLongerThanTheirManifestAreRefused) {
  change("models/faceres.bin", [](std::string& bytes) { bytes.pop_back(); });
  expect_refused("weights_file_size", "faceres.bin has 6978813 bytes");
  change("models/faceres.bin", [](std::string& bytes) { bytes += "12"; });
  expect_refused("weights_file_size", "describes 6978814");
}

TEST_F(ChangedPackage, NegativeAndHugeShapesOfTheManifestAreRefused) {
  const std::string whole = read_text_file(human() / "models/faceres.json", 1 << 25).value();
  for (const auto& [length, reason] :
       {std::pair<int64_t, const char*>{-3, "weights_manifest_malformed"},
        {int64_t{1} << 40, "weights_too_large"}}) {
    change("models/faceres.json", [&](std::string& text) {
      json::value document = *json::parse(whole, size_t{8} << 20);
      auto& shape = document.at("weightsManifest").at(0).at("weights").at(0).at("shape");
      shape = json::array{length};
      text = json::to_text(document);
    });
    expect_refused(reason, std::to_string(length));
  }
}

TEST_F(ChangedPackage, WeightsThatAreNoNumbersAreRefused) {
  change("models/faceres.bin", [](std::string& bytes) { bytes.assign(bytes.size(), '\x7E'); });
  expect_refused("weight_not_finite", "not a finite number");
  expect_refused("weight_not_finite", "not a finite number", OtherWeights::Unmeasured);
}

TEST_F(ChangedPackage, OtherWeightsAreRefusedOrInstalledWithAWarningAndWithoutPromises) {
  // The last bit of a weight of conv1.
  change("models/faceres.bin", [](std::string& bytes) { bytes[576'714] ^= 1; });
  expect_refused("pack_file_sha256", "faceres.onnx");
  change("package.json", [](std::string& text) {
    text.replace(text.find(kVersion), std::string_view(kVersion).size(), "3.3.7");
  });
  expect_refused("npm_package_differs", "3.3.7");
  const auto report = install(OtherWeights::Unmeasured);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->warnings.size(), 1U);
  EXPECT_THAT(report->warnings[0], ::testing::HasSubstr("evaluate calibrate --pack faceapi"));
  EXPECT_FALSE(report->card.measured_accuracy);
  EXPECT_FALSE(report->card.calibration);
  const auto spec = Registry({.packs_folder = packs()}).open("faceapi");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_FALSE(spec->calibration) << "thresholds of other weights would be wrong promises";
}

}  // namespace
}  // namespace faceforge::packs
