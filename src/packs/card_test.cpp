#include "packs/card.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "packs/internal/card_test_cards.h"

namespace faceforge::packs {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Card, EveryFieldOfAPlainCardIsRead) {
  const Card card = parsed(plain_card());
  EXPECT_EQ(card.id, "plain");
  EXPECT_EQ(card.licence.kind, LicenceKind::Permissive);
  EXPECT_EQ(card.source.kind, SourceKind::Url);
  EXPECT_EQ(card.source.url, "https://a.example/plain.zip");
  ASSERT_EQ(card.files.size(), 2U);
  EXPECT_EQ(card.files[0].sha256, kHashA);  // lower-cased
  EXPECT_EQ(card.files[1].size_bytes, 20);
  EXPECT_EQ(card.detector.head, vision::DetectorHead::Scrfd);
  EXPECT_EQ(card.detector.input.scale[2], 128.0F);
  EXPECT_EQ(card.detector.overlap_limit, 0.4F);
  EXPECT_EQ(card.embedders.at(0).file, "nets/embedder.onnx");
  EXPECT_EQ(card.embedders.at(0).input.channel_order, vision::ChannelOrder::Bgr);
  EXPECT_EQ(card.embedders.at(0).input.mean[1], 2.0F);
  EXPECT_EQ(card.embedders.at(0).landmark_template.points.size(), 5U);
  EXPECT_EQ(card.embedders.at(0).weight, 1.0F);
  EXPECT_EQ(card.measured_accuracy->accuracy, 0.99);
  EXPECT_FALSE(card.contour);
  EXPECT_FALSE(card.calibration);
}

TEST(Card, WhatIsWrittenReadsBackAndIsWrittenTheSameAgain) {
  json::object rich = plain_card();
  rich["files"].as_array().push_back(json::object{{"path", "contour.onnx"}});
  rich["files"].as_array().push_back(json::object{{"path", "live.onnx"}});
  const json::value input = detector(rich).at("input");
  rich["contour"] = json::object{{"file", "contour.onnx"},
                                 {"input", input},
                                 {"side_px", 112},
                                 {"mirror_averaging", true},
                                 {"second_look", json::object{{"side", 1.28}, {"rise", -0.1}}}};
  detector(rich)["head"] = "blazeface";
  rich["liveness"] = json::array{json::object{{"file", "live.onnx"},
                                              {"input", input},
                                              {"side_px", 80},
                                              {"box_growth", 2.7},
                                              {"real_class_index", 1}}};
  rich["metric"] = "l2";
  embedder(rich)["normalize"] = false;
  embedder(rich)["weight"] = 1.6666666;
  embedder(rich)["mirror_averaging"] = true;
  embedder(rich)["output_length"] = 8;
  embedder(rich)["output_mean"] = json::array{0.125, -1, 2, 3, 4, 5, 6, 7};
  embedder(rich)["template"] =
      json::parse(R"({"name": "three", "side_px": 100, "contour_indices": [30, 36, 45],
                      "points": [[50, 60], [30.25, 40], [70, 40]]})")
          .value();
  const Card card = parsed(rich);
  rich["calibration"] = calibration_of_model(model_id(card)->hex());
  const std::string text = to_text(parsed(rich));
  const auto again = parse_card(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_text(*again), text);
  EXPECT_EQ(again->embedders.at(0).weight, 1.6666666F);
  EXPECT_EQ(again->embedders.at(0).landmark_template.points[1].x, 30.25F);
  EXPECT_EQ(again->embedders.at(0).mirror_averaging, vision::MirrorAveraging::On);
  EXPECT_EQ(again->embedders.at(0).output_mean.at(0), 0.125F);
  EXPECT_EQ(again->embedders.at(0).normalization, vision::OutputNormalization::None);
  EXPECT_EQ(again->metric, face::Metric::L2);
  EXPECT_EQ(again->detector.head, vision::DetectorHead::Blazeface);
  EXPECT_EQ(again->contour->mirror_averaging, vision::MirrorAveraging::On);
  EXPECT_EQ(again->contour->second_look->side, 1.28F);
  EXPECT_EQ(again->contour->second_look->rise, -0.1F);
  EXPECT_EQ(again->liveness[0].box_growth, 2.7F);
  EXPECT_EQ(again->calibration->points[1].match_threshold, 0.31F);
}

TEST(Card, ACardOfMoreThanTheLimitIsTooLarge) {
  const Error error = error_of(std::string(kPlainCard), {.card_bytes = 100});
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "card_too_large");
  EXPECT_THAT(error.message, HasSubstr("the limit is 100"));
}

TEST(Card, WhatIsNotAJsonObjectIsMalformed) {
  for (const std::string text : {"", "{", "[]", "17", "{\"id\": \"a\"} {}", "\xff"}) {
    EXPECT_EQ(error_of(text).reason, "card_malformed") << text;
  }
}

TEST(Card, ACardOfANewerVersionIsUnsupported) {
  const Error error = error_after([](json::object& card) { card["card_version"] = 2; });
  EXPECT_EQ(error.code, ErrorCode::Unsupported);
  EXPECT_EQ(error.reason, "card_version");
}

TEST(Card, SeveralEmbeddersMakeOneEmbedding) {
  json::object two = plain_card();
  json::object& second = add_embedder(two);
  second["output_length"] = 128;
  second["weight"] = 0.5;
  const Card card = parsed(two);
  ASSERT_EQ(card.embedders.size(), 2U);
  EXPECT_EQ(vision::embedding_length(card.embedders), 640);
  EXPECT_EQ(card.embedders[1].weight, 0.5F);
  EXPECT_NE(model_id(card), model_id(parsed(plain_card())));
}

TEST(Card, SeveralEmbeddersHaveLimits) {
  expect_fault(
      [](json::object& card) {
        for (int i = 0; i < 4; ++i) add_embedder(card);
      },
      "embedders");
  expect_fault(
      [](json::object& card) {
        for (int i = 0; i < 2; ++i) add_embedder(card)["output_length"] = 8'000;
      },
      "embedders");
  expect_fault(
      [](json::object& card) {
        add_embedder(card)["template"] = *json::parse(R"({"name": "arcface_112", "side_px": 112,
            "points": [[38, 51], [73, 51], [56, 71], [41, 92], [70, 92]]})");
      },
      "embedders[0].template.name");
}

TEST(Card, EveryMissingFieldIsNamed) {
  for (const char* field : {"card_version", "id", "name", "licence", "source", "files", "detector",
                            "embedders", "metric"}) {
    expect_fault([&](json::object& card) { card.erase(field); }, field);
  }
  for (const char* field : {"file", "head", "input", "fixed_side_px", "stride_multiple_px",
                            "min_detection_score", "overlap_limit"}) {
    expect_fault([&](json::object& card) { detector(card).erase(field); },
                 fmt::format("detector.{}", field));
  }
  for (const char* field : {"file", "input", "template", "output_length", "normalize"}) {
    expect_fault([&](json::object& card) { embedder(card).erase(field); },
                 fmt::format("embedders[0].{}", field));
  }
}

TEST(Card, AFieldThatNobodyReadsIsNamed) {
  expect_fault([](json::object& card) { card["calibrations"] = nullptr; }, "calibrations");
  expect_fault([](json::object& card) { detector(card)["treshold"] = 1; }, "detector.treshold");
  expect_fault([](json::object& card) { embedder(card)["distance_scale"] = 2; },
               "embedders[0].distance_scale");
}

TEST(Card, NumbersOutsideTheirRangeAreNamed) {
  expect_fault([](json::object& card) { detector(card)["min_detection_score"] = 1.5; },
               "detector.min_detection_score");
  expect_fault([](json::object& card) { detector(card)["overlap_limit"] = 0; },
               "detector.overlap_limit");
  expect_fault([](json::object& card) { detector(card)["fixed_side_px"] = 100'000; },
               "detector.fixed_side_px");
  expect_fault([](json::object& card) { detector(card)["stride_multiple_px"] = 0; },
               "detector.stride_multiple_px");
  expect_fault([](json::object& card) { embedder(card)["output_length"] = 512.5; },
               "embedders[0].output_length");
  expect_fault(
      [](json::object& card) {
        embedder(card)["input"].as_object()["scale"] = json::array{1, 0, 1};
      },
      "embedders[0].input.scale[1]");
  expect_fault(
      [](json::object& card) {
        embedder(card)["input"].as_object()["mean"] = json::array{1, 2};
      },
      "embedders[0].input.mean");
  expect_fault([](json::object& card) { card["measured_accuracy"].as_object()["accuracy"] = 99; },
               "measured_accuracy.accuracy");
}

TEST(Card, WordsThatMeanNothingAreNamed) {
  expect_fault([](json::object& card) { detector(card)["head"] = "yolo"; }, "detector.head");
  expect_fault([](json::object& card) { card["metric"] = "l1"; }, "metric");
  expect_fault([](json::object& card) { embedder(card)["normalize"] = "yes"; },
               "embedders[0].normalize");
  expect_fault([](json::object& card) { embedder(card)["weight"] = 0; }, "embedders[0].weight");
  expect_fault(
      [](json::object& card) {
        embedder(card)["output_mean"] = json::array{1, 2};
      },
      "embedders[0].output_mean");
  expect_fault([](json::object& card) { embedder(card)["template"] = "mean_face"; },
               "embedders[0].template");
  expect_fault([](json::object& card) { card["licence"].as_object()["kind"] = "free"; },
               "licence.kind");
  expect_fault([](json::object& card) { card["source"].as_object()["kind"] = "pip"; },
               "source.kind");
  expect_fault([](json::object& card) { card["source"].as_object()["url"] = "ftp://a/b"; },
               "source.url");
  expect_fault([](json::object& card) { card["name"] = "with\x01control"; }, "name");
  expect_fault([](json::object& card) { card["name"] = std::string(201, 'a'); }, "name");
}

TEST(Card, OnlyWhatIsReadAsATextMayHaveSeveralLines) {
  json::object card = plain_card();
  card["licence"].as_object()["text"] = "One.\nTwo.";
  card["source"].as_object()["note"] = "three\nfour";
  EXPECT_EQ(parsed(card).licence.text, "One.\nTwo.");
  EXPECT_EQ(parsed(card).source.note, "three\nfour");
  expect_fault([](json::object& it) { it["name"] = "a\nb"; }, "name");
  for (const char* field : {"label", "url"}) {
    expect_fault([&](json::object& it) { it["licence"].as_object()[field] = "a\nb"; },
                 fmt::format("licence.{}", field));
  }
  expect_fault([](json::object& it) { it["source"].as_object()["url"] = "https://a.example/\nb"; },
               "source.url");
  expect_fault([](json::object& it) { it["measured_accuracy"].as_object()["protocol"] = "a\nb"; },
               "measured_accuracy.protocol");
}

TEST(Card, AnIdThatCouldLeaveThePacksFolderIsRefused) {
  for (const char* id : {"../evil", "a/b", ".hidden", "-rf", "UPPER", "with space", "", "\u00e9"}) {
    expect_fault([&](json::object& card) { card["id"] = id; }, "id");
  }
}

TEST(Card, APathThatLeavesTheFolderIsRefused) {
  for (const char* path : {"../a.onnx", "/etc/passwd", "a/../../b", "a\\b", "c:a", "./a", "a//b",
                           "a/", ".lock", "card.json"}) {
    expect_fault(
        [&](json::object& card) {
          card["files"].as_array()[0].as_object()["path"] = path;
          detector(card)["file"] = path;
        },
        "files[0].path");
  }
}

TEST(Card, FilesAreListedOnceAndUsed) {
  expect_fault(
      [](json::object& card) {
        card["files"].as_array().push_back(json::value(card["files"].as_array()[0]));
      },
      "files[2].path");
  expect_fault([](json::object& card) { detector(card)["file"] = "other.onnx"; }, "detector.file");
  expect_fault(
      [](json::object& card) {
        card["files"].as_array().push_back(json::object{{"path", "readme.txt"}});
      },
      "files");
  expect_fault(
      [](json::object& card) { card["files"].as_array()[0].as_object()["sha256"] = "abc"; },
      "files[0].sha256");
  expect_fault(
      [](json::object& card) {
        card["files"].as_array()[0].as_object()["size_bytes"] = int64_t{1} << 40;
      },
      "files[0].size_bytes");
}

TEST(Card, TooManyFilesAreRefused) {
  const Error error = error_of(std::string(kPlainCard), {.file_count = 1});
  EXPECT_THAT(error.message, HasSubstr("`files`"));
}

TEST(Card, ATemplateOfContourPointsNeedsAContourNetwork) {
  expect_fault([](json::object& card) { embedder(card)["template"] = "dlib_150"; }, "contour");
  for (const char* head : {"ssd", "blazeface"}) {
    expect_fault([head](json::object& card) { detector(card)["head"] = head; }, "contour");
  }
}

TEST(Card, ASecondLookHasLimits) {
  const auto with_second_look = [](std::string_view text) {
    return [text = std::string(text)](json::object& card) {
      card["files"].as_array().push_back(json::object{{"path", "contour.onnx"}});
      card["contour"] = json::object{{"file", "contour.onnx"},
                                     {"input", detector(card).at("input")},
                                     {"side_px", 112},
                                     {"second_look", json::parse(text).value()}};
    };
  };
  json::object card = plain_card();
  with_second_look(R"({"side": 4, "rise": 1})")(card);
  EXPECT_EQ(parsed(card).contour->second_look->side, 4.0F);
  EXPECT_EQ(parsed(card).contour->mirror_averaging, vision::MirrorAveraging::Off);
  expect_fault(with_second_look(R"({"side": 4.1, "rise": 0})"), "contour.second_look.side");
  expect_fault(with_second_look(R"({"side": 0.4, "rise": 0})"), "contour.second_look.side");
  expect_fault(with_second_look(R"({"side": 1, "rise": 1.5})"), "contour.second_look.rise");
  expect_fault(with_second_look(R"({"side": 1})"), "contour.second_look.rise");
  expect_fault(with_second_look(R"({"side": 1, "rise": 0, "turn": 1})"),
               "contour.second_look.turn");
  expect_fault(with_second_look("1"), "contour.second_look");
}

TEST(Card, ATemplateIsCheckedPointByPoint) {
  const auto with_template = [](const char* text) {
    return [text](json::object& card) { embedder(card)["template"] = *json::parse(text); };
  };
  expect_fault(with_template(R"({"name": "a", "side_px": 112, "points": [[1, 2]]})"),
               "embedders[0].template.points");
  expect_fault(with_template(R"({"name": "a", "side_px": 112,
                                 "points": [[1, 2], [1, 2], [1], [1, 2], [1, 2]]})"),
               "embedders[0].template.points[2]");
  expect_fault(with_template(R"({"name": "a", "side_px": 112,
                                 "points": [[1, 2], [1, 2], [1, 2], [1, 2], [1, 2e9]]})"),
               "embedders[0].template.points[4][1]");
  expect_fault(with_template(R"({"name": "a", "side_px": 112, "contour_indices": [1, 2, 68],
                                 "points": [[1, 2], [1, 2], [1, 2]]})"),
               "embedders[0].template.contour_indices");
}

TEST(Card, ACalibrationIsCheckedAndMustBeOfTheCardsModel) {
  expect_fault(
      [](json::object& card) { card["calibration"] = calibration_of_model(std::string(kHashB)); },
      "calibration.model_id");
  expect_fault(
      [](json::object& card) {
        card["calibration"] = calibration_of_model(model_id(parsed(plain_card()))->hex());
        card["calibration"].as_object()["points"] = json::array{};
      },
      "calibration");
}

TEST(Card, AQuantizationIsReadAndWrittenTheSameAgain) {
  json::object card = plain_card();
  card["quantization"] = quantization();
  const Card read = parsed(card);
  ASSERT_TRUE(read.quantization);
  EXPECT_EQ(read.quantization->parent_id, "parent");
  EXPECT_EQ(read.quantization->parent_model_id.hex(), kHashA);
  EXPECT_EQ(read.quantization->parent_accuracy->accuracy_std, 0.002);
  EXPECT_EQ(read.quantization->held_out_photo_count, 64);
  ASSERT_EQ(read.quantization->networks.size(), 1U);
  EXPECT_EQ(read.quantization->networks[0].range_method, nn::RangeMethod::Percentile);
  EXPECT_THAT(read.quantization->networks[0].float_layers,
              ::testing::ElementsAre("conv_1", "Gemm 2"));
  EXPECT_EQ(json::parse(to_text(read))->at("quantization"), json::value(quantization()));
  EXPECT_EQ(model_id(read), model_id(parsed(plain_card()))) << "a history is no weight";
}

TEST(Card, AQuantizationIsCheckedFieldByField) {
  const auto with = [](const std::function<void(json::object&)>& change) {
    return [change](json::object& card) {
      json::object changed = quantization();
      change(changed);
      card["quantization"] = changed;
    };
  };
  const auto network = [](json::object& from) -> json::object& {
    return from.at("networks").as_array().at(0).as_object();
  };
  expect_fault(with([](auto& q) { q["parent_id"] = "../up"; }), "quantization.parent_id");
  expect_fault(with([](auto& q) { q["parent_model_id"] = "12"; }), "quantization.parent_model_id");
  expect_fault(with([](auto& q) { q["range_photo_count"] = 0; }), "quantization.range_photo_count");
  expect_fault(with([](auto& q) { q["mean_cosine"] = 1.5; }), "quantization.mean_cosine");
  expect_fault(with([](auto& q) { q["taste"] = "good"; }), "quantization.taste");
  expect_fault(with([](auto& q) { q["networks"] = json::array{}; }), "quantization.networks");
  expect_fault(with([](auto& q) { q.erase("faceforge_version"); }),
               "quantization.faceforge_version");
  expect_fault(with([&](auto& q) { network(q)["file"] = "other.onnx"; }),
               "quantization.networks[0].file");
  expect_fault(with([&](auto& q) { network(q)["range_method"] = "taste"; }),
               "quantization.networks[0].range_method");
  expect_fault(with([&](auto& q) { network(q)["layer_count"] = 1; }),
               "quantization.networks[0].float_layers");
  expect_fault(with([&](auto& q) { network(q)["float_layers"] = json::array{1}; }),
               "quantization.networks[0].float_layers[0]");
  expect_fault(with([&](auto& q) {
                 const json::value twice = q.at("networks").as_array().at(0);
                 q.at("networks").as_array().push_back(twice);
               }),
               "quantization.networks[1].file");
}

TEST(Card, AThousandDamagedCardsAreReadOrRefusedWithoutHarm) {
  std::mt19937 random(20);  // seeded: the same cards every time
  std::string rich = to_text(parsed(plain_card()));
  int refused_count = 0;
  for (int round = 0; round < 1'000; ++round) {
    std::string text = rich;
    const auto change_count = 1 + random() % 4;
    for (unsigned change = 0; change < change_count; ++change) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random() % 256);
          break;
        case 1:
          text.erase(at, 1 + random() % 40);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
      }
      if (text.empty()) text = "{";
    }
    const auto card = parse_card(text);
    if (!card) {
      ++refused_count;
      EXPECT_FALSE(card.error().message.empty());
    } else {
      EXPECT_TRUE(parse_card(to_text(*card)));  // what is accepted can be written and read again
    }
  }
  EXPECT_GT(refused_count, 800);
}

}  // namespace
}  // namespace faceforge::packs
