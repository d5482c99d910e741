#include "evaluate/quantization_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::evaluate {
namespace {

using testing::HasSubstr;
using testing::Not;

QuantizePackReport report() {
  QuantizePackReport made;
  made.card.id = "mine-int8";
  made.card.quantization = packs::Quantization{.parent_id = "mine", .range_photo_count = 128};
  QuantizedNetwork network{.file = "/somewhere/net.onnx", .choice = {}};
  network.choice.methods = {{nn::RangeMethod::Entropy, {0.001, true}}};
  network.choice.method = nn::RangeMethod::Entropy;
  network.choice.layers = {{{"<script>alert(1)</script>", "Conv", 9}, 1e-4, true},
                           {{"hurts", "Gemm", 12}, 0.5, false}};
  made.quantized.networks.push_back(network);
  return made;
}

TEST(QuantizationPage, ShowsABarALayerAsLongAsItsLossOnSevenDecades) {
  const std::string page = quantization_page(report());
  // By hand: 1e-4 is three of the seven decades from 1e-7 to 1.
  EXPECT_THAT(page, HasSubstr(R"(<rect class="bytes" x="0" y="39" width="42.86%")"));
  EXPECT_THAT(page, HasSubstr(R"(<rect class="floats" x="0" y="69" width="95.70%")"));
  EXPECT_THAT(page, HasSubstr("floats 5.0e-01"));
  EXPECT_THAT(page, HasSubstr("entropy (chosen)"));
  EXPECT_THAT(page, HasSubstr("1 - mean cosine with one layer alone on bytes"));
}

TEST(QuantizationPage, OfLongPathsWhatTellsThemApartIsShown) {
  QuantizePackReport made = report();
  made.quantized.networks[0].choice.layers[0].layer.name =
      "/layers.5/layers/layers.3/layers/layers.2/layers/layers.0/Conv";
  EXPECT_THAT(quantization_page(made), HasSubstr(">layers.5/layers.3/layers.2/layers.0/Conv<"));
  made.quantized.networks[0].choice.layers[0].layer.name = std::string(50, 'a') + "7/Conv";
  EXPECT_THAT(quantization_page(made), HasSubstr(">\u2026" + std::string(34, 'a') + "7/Conv<"));
}

TEST(QuantizationPage, ADetectorsLossIsNoCosine) {
  QuantizePackReport made = report();
  made.quantized.networks[0].kind = NetworkKind::Detector;
  EXPECT_THAT(quantization_page(made), HasSubstr("Loss with one layer alone on bytes"));
}

TEST(QuantizationPage, ForeignNamesAreTextOnly) {
  const std::string page = quantization_page(report());
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("/somewhere"))) << "a file's folder is nobody's business";
}

TEST(QuantizationPage, NeedsNothingFromElsewhere) {
  const std::string page = quantization_page(report());
  for (const char* reference : {"http:", "https:", "src=", "href=", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(reference)));
  }
}

TEST(LayerLabel, IsTheNameWhereThatIsPlainAndElseOperatorAndPlace) {
  LayerChoice choice;
  choice.layers = {{{"conv_1", "Conv", 1}},
                   {{"", "Conv", 1}},
                   {{"a\nb", "Gemm", 1}},
                   {{std::string(500, 'x'), "Conv", 1}}};
  EXPECT_EQ(layer_label(choice, 0), "conv_1");
  EXPECT_EQ(layer_label(choice, 1), "Conv 1");
  EXPECT_EQ(layer_label(choice, 2), "Gemm 2");
  EXPECT_EQ(layer_label(choice, 3), "Conv 3");
}

}  // namespace
}  // namespace faceforge::evaluate
