#include "packs/internal/tiny_pack.h"

#include "base/check.h"
#include "base/file.h"
#include "packs/internal/network_writer.h"
#include "packs/internal/pack_files.h"

namespace faceforge::packs::test_support {
namespace {

constexpr int64_t kSide = 16;

/// These networks bring their weights along.
const NpmWeights kNoWeights;

/// Adds one value a filter over the whole input, flattened to [N, channels].
std::string whole_picture_filter(NetworkWriter& net, const std::string& name, const Feature& input,
                                 int64_t channels, float weight) {
  const nn::Tensor filter{
      .shape = {channels, 3, kSide, kSide},
      .values = std::vector<float>(static_cast<size_t>(channels * 3 * kSide * kSide), weight)};
  const nn::Tensor bias{.shape = {channels},
                        .values = std::vector<float>(static_cast<size_t>(channels), 0.5F)};
  const Feature feature =
      net.convolution(name, input, filter, bias, {.kernel = kSide, .padding = Padding::Valid});
  return net.node("Flatten", {feature.name}, name + "/flat", {{"axis", int64_t{1}}});
}

std::vector<std::byte> detector() {
  NetworkWriter net("tiny_detector", kNoWeights);
  const Feature input = net.input(kSide);
  net.node("Identity", {whole_picture_filter(net, "score", input, 1, 0.001F)}, "class_scores");
  net.graph().add_initializer("box_shape", nn::IntegerTensor{.shape = {3}, .values = {0, 1, 4}});
  net.node("Reshape", {whole_picture_filter(net, "box", input, 4, 0), "box_shape"},
           "box_encodings");
  net.graph().add_initializer("corners",
                              nn::Tensor{.shape = {1, 1, 4}, .values = {0.1F, 0.1F, 0.9F, 0.9F}});
  net.node("Identity", {"corners"}, "priors");
  net.graph().add_output({.name = "box_encodings", .shape = {-1, 1, 4}});
  net.graph().add_output({.name = "class_scores", .shape = {-1, 1}});
  net.graph().add_output({.name = "priors", .shape = {1, 1, 4}});
  return net.graph().serialize().value();
}

std::vector<std::byte> flat_network(const std::string& name, int64_t channels, float weight) {
  NetworkWriter net(name, kNoWeights);
  net.node("Identity", {whole_picture_filter(net, "filter", net.input(kSide), channels, weight)},
           "answer");
  net.graph().add_output({.name = "answer", .shape = {-1, channels}});
  return net.graph().serialize().value();
}

void write(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  CHECK(write_file_atomically(path, bytes));
}

}  // namespace

Card write_tiny_pack(const std::filesystem::path& folder, const TinyPack& pack,
                     KnownHashes hashes) {
  std::filesystem::create_directories(folder / "nets");
  write(folder / "detector.onnx", detector());
  write(folder / "nets/contour.onnx", flat_network("tiny_contour", 136, 0.001F));
  write(folder / "nets/embedder.onnx", flat_network("tiny_embedder", 8, pack.weight));
  const vision::LandmarkTemplate tmpl{.name = "tiny",
                                      .side_px = kSide,
                                      .points = {{4, 4}, {12, 4}, {8, 8}, {5, 12}, {11, 12}},
                                      .contour_indices = {}};
  Card card{
      .id = pack.id,
      .name = "A pack for tests",
      .licence = {.label = "MIT", .kind = pack.licence_kind, .text = "-", .url = "-"},
      .source = {.note = "made by a test"},
      .files = {{.path = "detector.onnx"},
                {.path = "nets/contour.onnx"},
                {.path = "nets/embedder.onnx"}},
      .detector = {.file = "detector.onnx",
                   .head = vision::DetectorHead::Ssd,
                   .input = {},
                   .fixed_side_px = kSide},
      .contour = vision::ContourSpec{.file = "nets/contour.onnx", .input = {}, .side_px = kSide},
      .embedders = {{.file = "nets/embedder.onnx",
                     .input = {},
                     .landmark_template = tmpl,
                     .output_length = 8}},
      .measured_accuracy = MeasuredAccuracy{.protocol = "made up", .accuracy = pack.accuracy}};
  const auto filled = checked(card, folder);
  CHECK(filled.has_value());
  CHECK(write_card(hashes == KnownHashes::All ? *filled : card, folder));
  return *filled;
}

}  // namespace faceforge::packs::test_support
