#include "gallery/model_file.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "archive/zip.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "gallery/npy.h"
#include "support/test_data.h"

namespace faceforge::gallery {
namespace {

GalleryModel sample() {
  GalleryModel model;
  model.model_id = face::ModelId("0123abcd");
  model.embedding_length = 2;
  model.pack_id = "test-pack";
  model.trained_ms = 1'700'000'000'000;
  face::Calibration calibration;
  calibration.model_id = model.model_id;
  calibration.impostor_pair_count = 1'000;
  calibration.points = {{0.01, 0.2F}, {0.001, 0.3F}};
  calibration.tail_slope = -23;
  calibration.ambiguity_margin = 0.1F;
  model.calibration = calibration;
  model.people.push_back(
      {.name = "Ada / \"the first\" 👩‍🔬",
       .photo_count = 2,
       .spread = 0.125F,
       .mean = {1, 0},
       .references = {{"a.jpg", {}, {0.8F, 0.6F}}, {"b.jpg", {}, {0.8F, -0.6F}}}});
  model.people.push_back({.name = "Bob",
                          .photo_count = 1,
                          .mean = {0.6F, 0.8F},
                          .references = {{"c.jpg", {}, {0.6F, 0.8F}}}});
  return model;
}

GalleryModel sample_with_head() {
  GalleryModel model = sample();
  PersonalHead head{.matrix = {2, 2, {1, 0.25F, -0.5F, 1}},
                    .trial = {.photo_count = 9,
                              .person_count = 5,
                              .fold_count = 5,
                              .without_head = {7, 2, 2},
                              .with_head = HeadAnswers{1, 0, 8},
                              .mended_count = 6}};
  head.model_id = head_model_id(model.model_id, head.matrix);
  head.calibration = *model.calibration;
  head.calibration.model_id = head.model_id;
  head.calibration.least_measured_rate = 0.125;
  model.head = head;
  return model;
}

archive::ZipEntries entries_of(const GalleryModel& model) {
  return *archive::read_zip(*write_model(model), {});
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

/// The sample with something in its manifest replaced.
std::vector<std::byte> with_manifest(std::string_view from, std::string_view to) {
  auto entries = entries_of(sample());
  std::string text = text_of(entries.at("manifest.json"));
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  entries["manifest.json"] = bytes_of(text);
  return *archive::write_zip(entries);
}

/// The sample with other templates, and a checksum that is right for them.
std::vector<std::byte> with_templates(const std::vector<std::byte>& npy) {
  auto entries = entries_of(sample());
  auto manifest = json::parse(text_of(entries.at("manifest.json")))->as_object();
  manifest["files"].as_object()["templates.npy"].as_object()["sha256"] =
      to_hex(sha256(std::span<const std::byte>(npy)));
  entries["templates.npy"] = npy;
  entries["manifest.json"] = bytes_of(json::to_text(manifest));
  return *archive::write_zip(entries);
}

std::string reason_of(std::span<const std::byte> file) {
  const auto model = read_model(file);
  return model ? "read" : model.error().reason;
}

TEST(ModelFile, IsReadBackAsItWasWritten) {
  const GalleryModel written = sample();
  const auto model = read_model(*write_model(written));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->model_id, written.model_id);
  EXPECT_EQ(model->metric, face::Metric::Cosine);
  EXPECT_EQ(model->embedding_length, 2);
  EXPECT_EQ(model->pack_id, "test-pack");
  EXPECT_EQ(model->trained_ms, written.trained_ms);
  ASSERT_TRUE(model->calibration);
  EXPECT_EQ(model->calibration->points[1].match_threshold, 0.3F);
  EXPECT_EQ(model->calibration->tail_slope, -23);
  ASSERT_EQ(model->people.size(), 2U);
  for (size_t person = 0; person < 2; ++person) {
    EXPECT_EQ(model->people[person].name, written.people[person].name);
    EXPECT_EQ(model->people[person].photo_count, written.people[person].photo_count);
    EXPECT_EQ(model->people[person].spread, written.people[person].spread);
    EXPECT_EQ(model->people[person].mean, written.people[person].mean);
    ASSERT_EQ(model->people[person].references.size(), written.people[person].references.size());
    for (size_t index = 0; index < written.people[person].references.size(); ++index) {
      EXPECT_EQ(model->people[person].references[index].name,
                written.people[person].references[index].name);
      EXPECT_EQ(model->people[person].references[index].embedding,
                written.people[person].references[index].embedding);
    }
  }
}

TEST(ModelFile, TheSameModelGivesTheSameBytes) {
  EXPECT_EQ(*write_model(sample()), *write_model(sample()));
}

TEST(ModelFile, TemplatesAreATableThatNumpyReads) {
  const auto table = read_npy(entries_of(sample()).at("templates.npy"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->row_count, 2U);
  EXPECT_EQ(table->values, (std::vector<float>{1, 0, 0.6F, 0.8F}));
}

TEST(ModelFile, WithoutReferencesPeopleOrCalibrationItIsStillAModel) {
  GalleryModel bare = sample();
  bare.calibration.reset();
  for (auto& person : bare.people) person.references.clear();
  EXPECT_FALSE(entries_of(bare).contains("references.npy"));
  const auto model = read_model(*write_model(bare));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_FALSE(model->calibration);
  EXPECT_TRUE(model->people[0].references.empty());
  bare.people.clear();
  EXPECT_TRUE(read_model(*write_model(bare)));
}

TEST(ModelFile, AnythingElseIsSaidNotToBeAGalleryModel) {
  EXPECT_EQ(reason_of({}), "not_a_gallery_model");
  EXPECT_EQ(reason_of(bytes_of("hello, this is a text")), "not_a_gallery_model");
  EXPECT_EQ(reason_of(*archive::write_zip({{"a.txt", bytes_of("a")}})), "not_a_gallery_model");
  EXPECT_EQ(reason_of(*archive::write_zip({{"manifest.json", bytes_of("{}")}})),
            "not_a_gallery_model");
  EXPECT_EQ(reason_of(*archive::write_zip({{"manifest.json", bytes_of("{\"format\":\"other\"}")}})),
            "not_a_gallery_model");
}

TEST(ModelFile, ANewerFormatIsRefusedByItsVersion) {
  const auto file = with_manifest("\"format_version\": 1", "\"format_version\": 3");
  EXPECT_EQ(reason_of(file), "gallery_model_version");
}

TEST(ModelFile, EveryCutOfTheFileIsAnErrorAndNothingElse) {
  const auto file = *write_model(sample());
  for (size_t length = 0; length < file.size(); length += 7) {
    EXPECT_NE(reason_of(std::span(file).first(length)), "read") << length;
  }
}

TEST(ModelFile, AChangedPartIsFoundByItsChecksum) {
  auto entries = entries_of(sample());
  entries.at("templates.npy").back() ^= std::byte{1};
  const auto model = read_model(*archive::write_zip(entries));
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(model.error().message,
            "the gallery model is damaged: the checksum of templates.npy is wrong");
}

TEST(ModelFile, AMissingPartIsDamage) {
  for (const char* name : {"templates.npy", "references.npy"}) {
    auto entries = entries_of(sample());
    entries.erase(name);
    EXPECT_EQ(reason_of(*archive::write_zip(entries)), "gallery_model_damaged") << name;
  }
}

TEST(ModelFile, TemplatesOfAnotherShapeOrNotFiniteOrNotOfUnitLengthAreDamage) {
  EXPECT_EQ(reason_of(with_templates(write_npy({2, 2, {1, 0, 0, 1}}))), "read");
  EXPECT_EQ(reason_of(with_templates(write_npy({1, 2, {1, 0}}))), "gallery_model_damaged");
  EXPECT_EQ(reason_of(with_templates(write_npy({2, 1, {1, 0}}))), "gallery_model_damaged");
  EXPECT_EQ(reason_of(with_templates(write_npy({2, 2, {1, 0, NAN, 0}}))), "gallery_model_damaged");
  EXPECT_EQ(reason_of(with_templates(write_npy({2, 2, {100, 0, 0, 1}}))), "gallery_model_damaged");
  EXPECT_EQ(reason_of(with_templates(bytes_of("not a table"))), "gallery_model_damaged");
}

TEST(ModelFile, AManifestThatContradictsItselfIsDamage) {
  const std::vector<std::pair<std::string, std::string>> changes{
      {"\"Bob\"", "\"Ada / \\\"the first\\\" 👩‍🔬\""},  // two of one name
      {"\"Bob\"", "\" Bob\""},                                 // not the stored form
      {"\"Bob\"", "\"\\u0000\""},
      {"\"Bob\"", "7"},
      {"\"photo_count\": 1", "\"photo_count\": 0"},
      {"\"spread\": 0.125", "\"spread\": -0.125"},
      {"\"spread\": 0.125", "\"spread\": 1.125"},
      {"\"embedding_length\": 2", "\"embedding_length\": 0"},
      {"\"embedding_length\": 2", "\"embedding_length\": 70000"},
      {"\"metric\": \"cosine\"", "\"metric\": \"hamming\""},
      {"\"model_id\": \"0123abcd\"", "\"model_id\": \"\""},
      {"\"model_id\": \"0123abcd\"", "\"model_id\": \"ffff\""},  // not the calibration's
      {"\"trained_ms\"", "\"trained_xx\""},
      {"\"sha256\"", "\"sha512\""}};
  for (const auto& [from, to] : changes) {
    EXPECT_EQ(reason_of(with_manifest(from, to)), "gallery_model_damaged") << to;
  }
}

TEST(ModelFile, LimitsHold) {
  const auto file = *write_model(sample());
  EXPECT_EQ(read_model(file, {.file_bytes = 100}).error().reason, "gallery_model_too_large");
  EXPECT_EQ(read_model(file, {.unpacked_bytes = 100}).error().reason, "gallery_model_too_large");
  EXPECT_EQ(read_model(file, {.manifest_bytes = 100}).error().reason, "gallery_model_too_large");
  EXPECT_EQ(read_model(file, {.people = 1}).error().reason, "gallery_model_too_large");
  EXPECT_EQ(read_model(file, {.references = 2}).error().reason, "gallery_model_too_large");
}

TEST(ModelFile, WhatCouldNotBeReadIsNotWritten) {
  for (const ModelFileLimits& limits :
       {ModelFileLimits{.file_bytes = 100}, ModelFileLimits{.unpacked_bytes = 100},
        ModelFileLimits{.manifest_bytes = 100}}) {
    const auto file = write_model(sample(), limits);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, ErrorCode::TooLarge);
    EXPECT_EQ(file.error().reason, "gallery_model_too_large");
  }
}

TEST(ModelFile, AFileOverTheDefaultLimitIsNotRead) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "large.ffg";
  std::ofstream(path) << "PK";
  std::filesystem::resize_file(path, kModelFileLimit_bytes + 1);  // takes no room on the disk
  const auto model = read_model_file(path);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(model.error().reason, "file_too_large");
}

TEST(ModelFile, AFileIsWrittenAndReadByItsPath) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_model_file(sample(), folder.path() / "model.ffg"));
  EXPECT_EQ(read_model_file(folder.path() / "model.ffg")->people.size(), 2U);
  EXPECT_EQ(read_model_file(folder.path() / "none.ffg").error().reason, "file_not_found");
  EXPECT_EQ(write_model_file(sample(), folder.path() / "no" / "model.ffg").error().reason,
            "folder_not_found");
}

// --- with a personal head ---

TEST(ModelFileWithHead, IsReadBackAsItWasWrittenAndRefusedByWhoeverKnowsNoHeads) {
  const GalleryModel written = sample_with_head();
  const auto file = write_model(written);
  ASSERT_TRUE(file);
  EXPECT_EQ(*file, *write_model(written));
  const auto model = read_model(*file);
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_TRUE(model->head);
  EXPECT_EQ(model->head->model_id, written.head->model_id);
  EXPECT_EQ(model->head->matrix.values, written.head->matrix.values);
  EXPECT_EQ(model->head->calibration.least_measured_rate, 0.125);
  EXPECT_EQ(model->head->trial.mended_count, 6);
  EXPECT_EQ(model->head->trial.with_head->recognized_count, 8);
  EXPECT_EQ(model->people[0].references[1].embedding, written.people[0].references[1].embedding);
  const auto manifest = json::parse(text_of(entries_of(written).at("manifest.json")));
  EXPECT_EQ(manifest->at("format_version").as_int64(), 2);  // version 1 is all that it knows
  EXPECT_FALSE(read_model(*write_model(sample()))->head);
}

/// The sample with a head, with something of its manifest changed and another matrix, the checksum
/// of which is right.
std::vector<std::byte> changed_with_head(
    const std::function<void(json::object&)>& change,
    const FloatTable& matrix = sample_with_head().head->matrix) {
  auto entries = entries_of(sample_with_head());
  auto manifest = json::parse(text_of(entries.at("manifest.json")))->as_object();
  change(manifest);
  entries["head.npy"] = write_npy(matrix);
  if (const auto listed = manifest["files"].as_object().find("head.npy");
      listed != manifest["files"].as_object().end()) {
    listed->value().as_object()["sha256"] =
        to_hex(sha256(std::span<const std::byte>(entries["head.npy"])));
  }
  entries["manifest.json"] = bytes_of(json::to_text(manifest));
  return *archive::write_zip(entries);
}

std::string reason_with_head(const std::function<void(json::object&)>& change,
                             const FloatTable& matrix = sample_with_head().head->matrix) {
  return reason_of(changed_with_head(change, matrix));
}

TEST(ModelFileWithHead, OfAFormerReleaseThatHadNoCalibrationIsReadWithoutItsHead) {
  const auto model = read_model(changed_with_head([](json::object& manifest) {
    manifest["calibration"] = nullptr;
    manifest["head"].as_object()["calibration"] = nullptr;
  }));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_FALSE(model->head);
  EXPECT_FALSE(model->calibration);
  const GalleryModel written = sample_with_head();
  ASSERT_EQ(model->people.size(), written.people.size());
  EXPECT_EQ(model->people[0].mean, written.people[0].mean);
  EXPECT_EQ(model->people[0].references[1].embedding, written.people[0].references[1].embedding);
}

TEST(ModelFileWithHead, ADamagedHeadIsRefused) {
  const auto nothing = [](json::object&) {};
  EXPECT_EQ(reason_with_head(nothing), "read");
  // Another matrix than its model_id names; no square; numbers that are none or too large.
  EXPECT_EQ(reason_with_head(nothing, {2, 2, {1, 0, 0, 1}}), "gallery_model_damaged");
  EXPECT_EQ(reason_with_head(nothing, {2, 1, {1, 0}}), "gallery_model_damaged");
  EXPECT_EQ(reason_with_head(nothing, {2, 2, {1, 0, NAN, 1}}), "gallery_model_damaged");
  const FloatTable large{2, 2, {1, 0, 17, 1}};
  EXPECT_EQ(reason_with_head(
                [&](json::object& manifest) {
                  manifest["head"].as_object()["model_id"] =
                      head_model_id(face::ModelId("0123abcd"), large).hex();
                  auto& calibration = manifest["head"].as_object()["calibration"].as_object();
                  calibration["model_id"] = manifest["head"].as_object()["model_id"];
                },
                large),
            "gallery_model_damaged");
  EXPECT_EQ(reason_with_head([](json::object& manifest) { manifest.erase("head"); }),
            "gallery_model_damaged");
  EXPECT_EQ(reason_with_head([](json::object& manifest) { manifest["format_version"] = 1; }),
            "gallery_model_damaged");
  EXPECT_EQ(reason_with_head(
                [](json::object& manifest) { manifest["files"].as_object().erase("head.npy"); }),
            "gallery_model_damaged");
  EXPECT_EQ(reason_with_head([](json::object& manifest) {
              manifest["head"].as_object()["trial"].as_object()["mended_count"] = -1;
            }),
            "gallery_model_damaged");
  // A promise of the pack's own space.
  EXPECT_EQ(reason_with_head([](json::object& manifest) {
              manifest["head"].as_object()["calibration"] = manifest["calibration"];
            }),
            "gallery_model_damaged");
  EXPECT_EQ(reason_with_head([](json::object& manifest) {
              manifest["people"].as_array()[1].as_object()["photo_count"] = 2;
            }),
            "gallery_model_damaged");
}

TEST(ModelFileWithHead, MorePhotosThanCanBeBroughtThroughItInSecondsAreTooMany) {
  const auto file = *write_model(sample_with_head());
  ModelFileLimits limits;
  limits.head_products = 3 * 2 * 2;
  EXPECT_TRUE(read_model(file, limits));
  limits.head_products = 3 * 2 * 2 - 1;
  EXPECT_EQ(read_model(file, limits).error().reason, "gallery_model_too_large");
  EXPECT_EQ(write_model(sample_with_head(), limits).error().reason, "gallery_model_too_large");
}

}  // namespace
}  // namespace faceforge::gallery
