#include "vision/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "nn/writer.h"
#include "support/test_data.h"
#include "vision/ssd_head.h"

namespace faceforge::vision {
namespace {

using testing::ElementsAre;

constexpr int kSide_px = 16;
constexpr int64_t kInputLength = 3 * kSide_px * kSide_px;

/// Adds `name`: a weighted sum of all numbers of the input, of `length` equal numbers a picture.
void add_sum(nn::GraphBuilder& model, const std::string& name, int64_t length, float weight) {
  const std::vector<float> weights(static_cast<size_t>(kInputLength * length), weight);
  model.add_initializer(name + "_weights", nn::Tensor{{kInputLength, length}, weights})
      .add_node({"Flatten", {"input"}, {name + "_flat"}, {{"axis", int64_t{1}}}})
      .add_node({"Gemm", {name + "_flat", name + "_weights"}, {name}});
}

/// Finds one face, whatever it is shown.
std::vector<std::byte> detector() {
  nn::GraphBuilder model("detector");
  model.add_input({"input", {-1, 3, kSide_px, kSide_px}});
  add_sum(model, kSsdClassScores, 1, 0.001F);
  add_sum(model, "boxes", 4, 0);
  model.add_initializer("box_shape", nn::IntegerTensor{{3}, {0, 1, 4}})
      .add_node({"Reshape", {"boxes", "box_shape"}, {kSsdBoxEncodings}})
      .add_initializer("corners", nn::Tensor{{1, 1, 4}, {0.1F, 0.1F, 0.9F, 0.9F}})
      .add_node({"Identity", {"corners"}, {kSsdPriors}});
  for (const char* output : {kSsdBoxEncodings, kSsdClassScores, kSsdPriors}) {
    model.add_output({output, {}});
  }
  return model.serialize().value();
}

std::vector<std::byte> contour() {
  nn::GraphBuilder model("contour");
  model.add_input({"input", {-1, 3, kSide_px, kSide_px}});
  add_sum(model, "points", 136, 0.0001F);
  model.add_output({"points", {}});
  return model.serialize().value();
}

/// Answers with the numbers that it was given, so that an embedding tells the input.
std::vector<std::byte> mirror_of_its_input() {
  nn::GraphBuilder model("embedder");
  model.add_input({"input", {-1, 3, kSide_px, kSide_px}})
      .add_node({"Flatten", {"input"}, {"flat"}, {{"axis", int64_t{1}}}})
      .add_output({"flat", {}});
  return model.serialize().value();
}

class ObservedPipeline : public testing::Test {
 protected:
  std::shared_ptr<const Pipeline> load(MirrorAveraging mirror_averaging) {
    const auto write = [&](const char* name, const std::vector<std::byte>& bytes) {
      EXPECT_TRUE(write_file_atomically(folder_.path() / name, bytes));
      return folder_.path() / name;
    };
    const InputNormalization input{.mean = {10, 20, 30}, .scale = {2, 2, 2}};
    PipelineSpec spec{.detector = {.file = write("detector.onnx", detector()),
                                   .head = DetectorHead::Ssd,
                                   .input = input,
                                   .fixed_side_px = kSide_px,
                                   .min_detection_score = 0.01F},
                      .contour = ContourSpec{.file = write("contour.onnx", contour()),
                                             .input = input,
                                             .side_px = kSide_px},
                      .metric = face::Metric::L2};
    spec.embedders.push_back({.file = write("embedder.onnx", mirror_of_its_input()),
                              .input = input,
                              .landmark_template = {.name = "tiny",
                                                    .side_px = kSide_px,
                                                    .points = std::vector<face::Point>(5),
                                                    .contour_indices = {}},
                              .output_length = static_cast<int>(kInputLength),
                              .mirror_averaging = mirror_averaging,
                              .normalization = OutputNormalization::None});
    return Pipeline::load(spec).value();
  }

  static image::Photo photo() {
    image::Image image = image::Image::create(kSide_px, kSide_px);
    for (size_t at = 0; at < image.pixels().size(); ++at) {
      image.pixels()[at] = static_cast<uint8_t>(at % 251);
    }
    return {.image = std::move(image), .width_px = kSide_px, .height_px = kSide_px};
  }

  /// Faces whose crop is the photo.
  static std::vector<face::AlignedFace> faces(size_t count) {
    std::vector<face::AlignedFace> made(count);
    for (face::AlignedFace& face : made) {
      face.crops.push_back({.pixels = photo().image.clone(), .landmark_template = "tiny"});
    }
    return made;
  }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(ObservedPipeline, TheDetectorsInputsAreShownAtEveryScaleOfTheSearch) {
  const auto pipeline = load(MirrorAveraging::Off);
  std::vector<nn::Tensor> shown;
  const InputObserver observer = [&](size_t index, const nn::Tensor& input) -> Result<void> {
    EXPECT_EQ(index, 0U);
    shown.push_back(input);
    return {};
  };
  ASSERT_TRUE(pipeline->detect(photo(), {.on_detector_input = observer}));
  ASSERT_EQ(shown.size(), 2U) << "the photo as it is, and shrunken on black";
  for (const nn::Tensor& input : shown) {
    EXPECT_THAT(input.shape, ElementsAre(1, 3, kSide_px, kSide_px));
  }
  // By hand: the blue of the last pixel is byte 767, 767 % 251 = 14.
  EXPECT_FLOAT_EQ(shown[0].values.back(), (14 - 30) / 2.0F);
  EXPECT_FLOAT_EQ(shown[1].values.back(), (0 - 30) / 2.0F) << "black";
}

TEST_F(ObservedPipeline, AnotherDetectorTakesThePlaceOfItsOwn) {
  const auto pipeline = load(MirrorAveraging::Off);
  const std::filesystem::path own = pipeline->spec().detector.file;
  const std::filesystem::path other = own.parent_path() / "other.onnx";
  EXPECT_EQ(pipeline->with_detector(other).error().reason, "model_file_missing");
  EXPECT_EQ(pipeline->with_detector(pipeline->spec().embedders[0].file).error().code,
            ErrorCode::Corrupt);
  std::filesystem::rename(own, other);  // its own is not read again
  const auto changed = pipeline->with_detector(other, {.thread_count = 2});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ((*changed)->spec().detector.file, other);
  EXPECT_EQ(pipeline->spec().detector.file, own);
  EXPECT_EQ((*changed)->detect(photo())->size(), pipeline->detect(photo())->size());
  EXPECT_EQ((*changed)->model_id(), pipeline->model_id());
}

TEST_F(ObservedPipeline, TheEmbeddersInputIsShownAsTheNetworkGetsIt) {
  const auto pipeline = load(MirrorAveraging::Off);
  std::vector<nn::Tensor> shown;
  const auto embedded =
      pipeline->embed(faces(3), [&](size_t, const nn::Tensor& input) -> Result<void> {
        shown.push_back(input);
        return {};
      });
  ASSERT_TRUE(embedded) << embedded.error().message;
  ASSERT_EQ(shown.size(), 2U) << "batches are powers of two";
  EXPECT_THAT(shown[0].shape, ElementsAre(2, 3, kSide_px, kSide_px));
  EXPECT_EQ(shown[1].values, embedded->back().values) << "this network answers with its input";
}

TEST_F(ObservedPipeline, AMirrorImageThatIsLookedAtIsShownToo) {
  const auto pipeline = load(MirrorAveraging::On);
  std::vector<nn::Tensor> shown;
  ASSERT_TRUE(pipeline->embed(faces(1), [&](size_t, const nn::Tensor& input) -> Result<void> {
    shown.push_back(input);
    return {};
  }));
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[0].values.front(), shown[1].values[kSide_px - 1]);
}

TEST_F(ObservedPipeline, APreparedBatchIsEmbeddedAsAnyOther) {
  const auto pipeline = load(MirrorAveraging::Off);
  ASSERT_TRUE(pipeline->prepare_batch(4));
  EXPECT_EQ(pipeline->embed(faces(4)).value()[3].values,
            pipeline->embed(faces(1)).value()[0].values);
  EXPECT_DEATH((void)pipeline->prepare_batch(3), "next_batch");
  EXPECT_DEATH((void)pipeline->prepare_batch(64), "next_batch");
}

TEST_F(ObservedPipeline, AnObserversFailureEndsTheCall) {
  const auto pipeline = load(MirrorAveraging::Off);
  const InputObserver refusing = [](size_t, const nn::Tensor&) -> Result<void> {
    return fail(ErrorCode::InvalidInput, "seen_enough", "no more");
  };
  EXPECT_EQ(pipeline->detect(photo(), {.on_detector_input = refusing}).error().reason,
            "seen_enough");
  EXPECT_EQ(pipeline->embed(faces(1), refusing).error().reason, "seen_enough");
}

}  // namespace
}  // namespace faceforge::vision
