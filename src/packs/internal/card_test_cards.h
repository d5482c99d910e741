#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "packs/card.h"

// A card for the tests, and what becomes of it after a change.

namespace faceforge::packs::test {

inline constexpr std::string_view kHashA =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
inline constexpr std::string_view kHashB =
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A card with every field that is not optional, and a few that are.
inline constexpr std::string_view kPlainCard = R"({
  "card_version": 1, "id": "plain", "name": "A plain pack",
  "licence": {"label": "MIT", "kind": "permissive", "text": "Free.", "url": "https://a.example/"},
  "source": {"kind": "url", "note": "made for tests", "url": "https://a.example/plain.zip"},
  "files": [
    {"path": "detector.onnx", "size_bytes": 10,
     "sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    {"path": "nets/embedder.onnx", "size_bytes": 20,
     "sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}],
  "detector": {"file": "detector.onnx", "head": "scrfd",
    "input": {"channel_order": "rgb", "mean": [127.5, 127.5, 127.5], "scale": [128, 128, 128]},
    "fixed_side_px": 0, "stride_multiple_px": 32, "min_detection_score": 0.5,
    "overlap_limit": 0.4},
  "embedders": [{"file": "nets/embedder.onnx",
    "input": {"channel_order": "bgr", "mean": [1, 2, 3], "scale": [4, 5, 6]},
    "template": "arcface_112", "output_length": 512, "normalize": true}],
  "metric": "cosine",
  "measured_accuracy": {"protocol": "lfw-view2", "accuracy": 0.99},
  "calibration": null
})";

inline json::object plain_card() {
  return json::parse(kPlainCard)->as_object();
}

inline Card parsed(const json::object& card) {
  auto result = parse_card(json::to_text(card));
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Card{};
}

inline Error error_of(const std::string& text, const CardLimits& limits = {}) {
  auto result = parse_card(text, limits);
  EXPECT_FALSE(result) << "the card was accepted";
  return result ? Error{} : result.error();
}

/// The fault of the plain card after a change.
inline Error error_after(const std::function<void(json::object&)>& change) {
  json::object card = plain_card();
  change(card);
  return error_of(json::to_text(card));
}

inline void expect_fault(const std::function<void(json::object&)>& change, std::string_view field) {
  const Error error = error_after(change);
  EXPECT_EQ(error.code, ErrorCode::InvalidInput);
  EXPECT_EQ(error.reason, "card_invalid");
  EXPECT_THAT(error.message, ::testing::HasSubstr(fmt::format("`{}`", field)));
}

inline json::object& detector(json::object& card) {
  return card.at("detector").as_object();
}
inline json::object& embedder(json::object& card) {
  return card.at("embedders").as_array().at(0).as_object();
}

inline json::object calibration_of_model(const std::string& id) {
  return json::parse(R"({"impostor_pair_count": 1000000,
    "points": [{"false_match_rate": 0.01, "match_threshold": 0.18},
               {"false_match_rate": 0.0001, "match_threshold": 0.31}],
    "tail": [1.5, -30, -2], "ambiguity_margin": 0.1, "model_id": ")" +
                     id + "\"}")
      ->as_object();
}

/// Adds a second embedder like the first, of the same file.
inline json::object& add_embedder(json::object& card) {
  json::array& embedders = card["embedders"].as_array();
  embedders.push_back(json::value(embedders[0]));
  return embedders.back().as_object();
}

inline json::object quantization() {
  return json::parse(R"({"parent_id": "parent",
    "parent_model_id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "parent_accuracy": {"protocol": "lfw-view2", "accuracy": 0.99, "accuracy_std": 0.002},
    "faceforge_version": "1.2.3", "range_photo_count": 128, "held_out_photo_count": 64,
    "mean_cosine": 0.9975,
    "networks": [{"file": "nets/embedder.onnx", "range_method": "percentile", "layer_count": 3,
                  "float_layers": ["conv_1", "Gemm 2"], "mean_cosine": 0.9975}]})")
      ->as_object();
}

}  // namespace faceforge::packs::test
