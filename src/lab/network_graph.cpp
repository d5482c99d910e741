#include "lab/network_graph.h"

#include <fmt/format.h>

#include "train/architecture.h"
#include "train/checkpoint.h"

// The layers of src/train/resnet.cpp, iresnet.cpp and mobilefacenet.cpp once more, in ONNX's words.
namespace faceforge::lab {
namespace {

using train::BlockCounts;

ConvolutionShape square(int64_t out, int64_t side, int64_t stride) {
  return {.out = out, .side = side, .stride = stride, .padding = side / 2};
}

/// A convolution and the batch norm behind it.
Result<FeatureMaps> normed(LayerWriter& writer, const FeatureMaps& maps,
                           const ConvolutionShape& shape, const std::string& convolution,
                           const std::string& norm) {
  const FeatureMaps made = TRY(writer.convolution(convolution, maps, shape));
  return writer.batch_norm(norm, made);
}

/// The way around a block: as it is where the shape stays, else a 1x1 convolution.
Result<FeatureMaps> way_around(LayerWriter& writer, const FeatureMaps& maps, int64_t out,
                               int64_t stride, const std::string& block) {
  if (stride == 1 && maps.channels == out) return maps;
  return normed(writer, maps, square(out, 1, stride), block + "downsample.0",
                block + "downsample.1");
}

Result<FeatureMaps> resnet_block(LayerWriter& writer, const FeatureMaps& maps, int64_t width,
                                 int64_t stride, const std::string& block) {
  const int64_t out = width * train::kResNetExpansion;
  FeatureMaps y = TRY(normed(writer, maps, square(width, 1, 1), block + "conv1", block + "bn1"));
  y = TRY(normed(writer, writer.relu(y), square(width, 3, stride), block + "conv2", block + "bn2"));
  y = TRY(normed(writer, writer.relu(y), square(out, 1, 1), block + "conv3", block + "bn3"));
  const FeatureMaps around = TRY(way_around(writer, maps, out, stride, block));
  return writer.relu(writer.add(y, around));
}

Result<FeatureMaps> resnet(LayerWriter& writer, FeatureMaps maps,
                           const train::NetworkSettings& settings, const std::string& prefix) {
  const BlockCounts counts = train::block_counts_of(settings.kind);
  maps = TRY(
      normed(writer, maps, square(train::kResNetWidth, 7, 2), prefix + "conv1", prefix + "bn1"));
  maps = writer.max_pool(prefix + "maxpool", writer.relu(maps), 3, 2);
  for (size_t stage = 0; stage < counts.size(); ++stage) {
    for (int64_t block = 0; block < counts[stage]; ++block) {
      maps = TRY(resnet_block(writer, maps, train::kResNetWidth << stage,
                              stage > 0 && block == 0 ? 2 : 1,
                              fmt::format("{}layer{}.{}.", prefix, stage + 1, block)));
    }
  }
  return writer.linear(prefix + "fc", writer.channel_means(maps), settings.embedding_length);
}

Result<FeatureMaps> iresnet_block(LayerWriter& writer, const FeatureMaps& maps, int64_t out,
                                  int64_t stride, const std::string& block) {
  FeatureMaps y = TRY(writer.batch_norm(block + "bn1", maps));
  y = TRY(normed(writer, y, square(out, 3, 1), block + "conv1", block + "bn2"));
  y = TRY(writer.prelu(block + "prelu", y));
  y = TRY(normed(writer, y, square(out, 3, stride), block + "conv2", block + "bn3"));
  const FeatureMaps around = TRY(way_around(writer, maps, out, stride, block));
  return writer.add(y, around);
}

Result<FeatureMaps> iresnet(LayerWriter& writer, FeatureMaps maps,
                            const train::NetworkSettings& settings, const std::string& prefix) {
  const BlockCounts counts = train::block_counts_of(settings.kind);
  const auto& widths = train::kIResNetWidths;
  maps = TRY(normed(writer, maps, square(widths[0], 3, 1), prefix + "conv1", prefix + "bn1"));
  maps = TRY(writer.prelu(prefix + "prelu", maps));
  for (size_t stage = 0; stage < counts.size(); ++stage) {
    for (int64_t block = 0; block < counts[stage]; ++block) {
      maps = TRY(iresnet_block(writer, maps, widths[stage], block == 0 ? 2 : 1,
                               fmt::format("{}layer{}.{}.", prefix, stage + 1, block)));
    }
  }
  maps = TRY(writer.batch_norm(prefix + "bn2", maps));
  maps = TRY(writer.linear(prefix + "fc", maps, settings.embedding_length));
  return writer.batch_norm(prefix + "features", maps);
}

enum class Ending { Linear, PRelu };

/// A convolution, its batch norm and, unless it stays linear, a PReLU.
Result<FeatureMaps> unit(LayerWriter& writer, const FeatureMaps& maps,
                         const ConvolutionShape& shape, Ending ending, const std::string& name) {
  const FeatureMaps y = TRY(normed(writer, maps, shape, name + ".0", name + ".1"));
  return ending == Ending::Linear ? y : writer.prelu(name + ".2", y);
}

Result<FeatureMaps> inverted_bottleneck(LayerWriter& writer, const FeatureMaps& maps,
                                        const train::MobileStage& stage, int64_t stride,
                                        const std::string& name) {
  const int64_t wide = maps.channels * stage.expansion;
  FeatureMaps y = TRY(unit(writer, maps, square(wide, 1, 1), Ending::PRelu, name + ".widen"));
  ConvolutionShape depthwise = square(wide, 3, stride);
  depthwise.groups = wide;
  y = TRY(unit(writer, y, depthwise, Ending::PRelu, name + ".depthwise"));
  y = TRY(unit(writer, y, square(stage.out, 1, 1), Ending::Linear, name + ".narrow"));
  return stride == 1 && maps.channels == stage.out ? writer.add(y, maps) : y;
}

Result<FeatureMaps> mobilefacenet(LayerWriter& writer, FeatureMaps maps,
                                  const train::NetworkSettings& settings,
                                  const std::string& prefix) {
  int layer = 0;
  const auto next_name = [&] { return fmt::format("{}layers.{}", prefix, layer++); };
  constexpr int64_t kWidth = train::kMobileWidth;
  maps = TRY(unit(writer, maps, square(kWidth, 3, 2), Ending::PRelu, next_name()));
  ConvolutionShape depthwise = square(kWidth, 3, 1);
  depthwise.groups = kWidth;
  maps = TRY(unit(writer, maps, depthwise, Ending::PRelu, next_name()));
  for (const train::MobileStage& stage : train::kMobileStages) {
    for (int64_t block = 0; block < stage.count; ++block) {
      maps =
          TRY(inverted_bottleneck(writer, maps, stage, block == 0 ? stage.stride : 1, next_name()));
    }
  }
  constexpr int64_t kLast = train::kMobileLastWidth;
  maps = TRY(unit(writer, maps, square(kLast, 1, 1), Ending::PRelu, next_name()));
  const ConvolutionShape whole{.out = kLast, .side = maps.side, .groups = kLast};
  maps = TRY(unit(writer, maps, whole, Ending::Linear, next_name()));
  return unit(writer, maps, square(settings.embedding_length, 1, 1), Ending::Linear, next_name());
}

Result<FeatureMaps> backbone(LayerWriter& writer, const FeatureMaps& pictures,
                             const train::NetworkSettings& settings) {
  const std::string prefix(train::kBackbonePrefix);
  switch (settings.kind) {
    case train::NetworkKind::ResNet50:
      return resnet(writer, pictures, settings, prefix);
    case train::NetworkKind::IResNet18:
    case train::NetworkKind::IResNet34:
    case train::NetworkKind::IResNet50:
    case train::NetworkKind::IResNet100:
      return iresnet(writer, pictures, settings, prefix);
    case train::NetworkKind::MobileFaceNet:
      break;
  }
  return mobilefacenet(writer, pictures, settings, prefix);
}

}  // namespace

Result<std::vector<std::byte>> write_network(const train::NetworkSettings& settings,
                                             int64_t crop_side_px, const WeightSource& weights) {
  LayerWriter writer(std::string(train::to_string(settings.kind)), weights);
  const FeatureMaps pictures = writer.pictures(crop_side_px, settings.input_side_px);
  FeatureMaps maps = TRY(backbone(writer, pictures, settings));
  if (settings.neck == train::Neck::BatchNorm) maps = TRY(writer.batch_norm("neck", maps));
  return writer.finish(maps);
}

}  // namespace faceforge::lab
