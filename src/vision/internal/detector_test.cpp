#include "vision/internal/detector.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "nn/writer.h"
#include "support/test_data.h"

namespace faceforge::vision {
namespace {

/// Loads a detector that takes inputs of the sides that its file states, and gives them back.
Error refusal_of_input(int64_t width_px, int64_t height_px) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "detector.onnx";
  nn::GraphBuilder model("detector");
  model.add_input({"x", {1, 3, height_px, width_px}})
      .add_output({"y", {}})
      .add_node({"Relu", {"x"}, {"y"}});
  const auto bytes = model.serialize().value();
  EXPECT_TRUE(write_file_atomically(file, bytes));
  const auto detector = Detector::load({.file = file, .input = {}}, {});
  EXPECT_FALSE(detector) << "it has no outputs of any head";
  return detector ? Error{} : detector.error();
}

TEST(DetectorLoad, AnInputThatTheFileStatesLargerThanTheLimitIsRefusedBeforeItIsMade) {
  for (const auto& [width_px, height_px] :
       {std::pair{14'000, 14'000}, {4'097, 64}, {64, 4'097}, {1 << 30, 1 << 30}}) {
    const auto error = refusal_of_input(width_px, height_px);
    EXPECT_EQ(error.code, ErrorCode::TooLarge);
    EXPECT_EQ(error.reason, "detector_input_too_large");
  }
  EXPECT_EQ(refusal_of_input(14'000, 64).message,
            "detector.onnx wants an input of 14000 x 64 pixels; the limit is 4096 a side");
  EXPECT_EQ(refusal_of_input(4'096, 64).reason, "network_shape");
}

}  // namespace
}  // namespace faceforge::vision
