#include "packs/registry.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "packs/internal/packs_lock.h"
#include "packs/internal/recognition_memory.h"
#include "packs/internal/tiny_pack.h"
#include "packs/known_cards.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using test_support::KnownHashes;
using test_support::TinyPack;
using test_support::write_tiny_pack;
using ::testing::HasSubstr;

template <typename T>
std::string reason_of(const Result<T>& result) {
  return result ? "no error" : result.error().reason;
}

class RegistryTest : public ::testing::Test {
 protected:
  fs::path packs() const { return folder_.path() / "packs"; }
  fs::path in_place() const { return folder_.path() / "in_place"; }
  Registry registry() const { return Registry({.packs_folder = packs()}); }
  Registry registry_with_in_place() const {
    fs::create_directories(in_place());
    return Registry({.packs_folder = packs(), .in_place_folder = in_place()});
  }

  static PackEntry entry_of(const Registry& registry, std::string_view id) {
    const auto entries = registry.list();
    EXPECT_TRUE(entries);
    const auto found =
        std::ranges::find_if(*entries, [&](const PackEntry& entry) { return entry.card.id == id; });
    EXPECT_NE(found, entries->end()) << id;
    return found == entries->end() ? PackEntry{} : *found;
  }

  static face::Calibration calibration_of_card(const Card& card, int64_t pair_count) {
    return {.model_id = *model_id(card),
            .impostor_pair_count = pair_count,
            .points = {{0.01, 0.2F}, {0.001, 0.3F}},
            .ambiguity_margin = 0.05F};
  }

  test::TemporaryFolder folder_;
};

TEST_F(RegistryTest, WithoutAnythingInstalledEveryKnownPackIsListedAsSuch) {
  const auto entries = registry().list();
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), known_cards().size());
  for (const PackEntry& entry : *entries) {
    EXPECT_EQ(entry.state, PackState::NotInstalled);
    EXPECT_EQ(entry.default_mark, DefaultMark::Other);
    EXPECT_TRUE(entry.folder.empty());
  }
}

TEST_F(RegistryTest, WithoutAnyPackTheErrorSaysWhatToRun) {
  const auto none = registry().open("");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::NotFound);
  EXPECT_EQ(none.error().reason, "no_pack");
  EXPECT_THAT(none.error().message, HasSubstr("faceforge packs install"));
  EXPECT_THAT(none.error().message, HasSubstr("--data"));
}

TEST_F(RegistryTest, PacksAreListedByRankAndTheBestUsableOneIsTheDefault) {
  write_tiny_pack(packs() / "poor", {.id = "poor", .accuracy = 0.5});
  write_tiny_pack(packs() / "good", {.id = "good", .accuracy = 0.999});
  write_tiny_pack(packs() / "bound",
                  {.id = "bound", .licence_kind = LicenceKind::NonCommercial, .accuracy = 0.9999});
  EXPECT_EQ(registry().default_pack()->card.id, "good");
  const auto entries = *registry().list();
  const auto place_of = [&](std::string_view id) {
    return std::ranges::find_if(entries,
                                [&](const PackEntry& entry) { return entry.card.id == id; }) -
           entries.begin();
  };
  EXPECT_LT(place_of("good"), place_of("poor"));
  EXPECT_LT(place_of("poor"), place_of("bound"));
  EXPECT_LT(place_of("bound"), place_of("scrfd-mbf"));
  EXPECT_EQ(entry_of(registry(), "good").default_mark, DefaultMark::Default);
  EXPECT_EQ(std::ranges::count(entries, DefaultMark::Default, &PackEntry::default_mark), 1);
}

TEST_F(RegistryTest, RemovingTheDefaultMakesTheNextBestOneTheDefault) {
  write_tiny_pack(packs() / "good", {.id = "good", .accuracy = 0.99});
  write_tiny_pack(packs() / "poor", {.id = "poor", .accuracy = 0.5});
  ASSERT_TRUE(registry().remove("good"));
  EXPECT_FALSE(fs::exists(packs() / "good"));
  EXPECT_EQ(registry().default_pack()->card.id, "poor");
  ASSERT_TRUE(registry().remove("poor"));
  EXPECT_EQ(reason_of(registry().default_pack()), "no_pack");
  EXPECT_EQ(reason_of(registry().remove("poor")), "pack_not_installed");
  EXPECT_EQ(reason_of(registry().remove("../packs")), "pack_not_installed");
}

TEST_F(RegistryTest, ADamagedPackIsListedWithItsFaultAndIsNeverTheDefault) {
  write_tiny_pack(packs() / "good", {.id = "good", .accuracy = 0.99});
  write_tiny_pack(packs() / "poor", {.id = "poor", .accuracy = 0.5});
  fs::remove(packs() / "good/detector.onnx");
  fs::create_directories(packs() / "empty");
  write_tiny_pack(packs() / "renamed", {.id = "other"});
  EXPECT_EQ(entry_of(registry(), "good").fault->reason, "pack_file_missing");
  EXPECT_EQ(entry_of(registry(), "empty").fault->reason, "card_missing");
  EXPECT_EQ(entry_of(registry(), "renamed").fault->reason, "pack_folder_name");
  EXPECT_EQ(registry().default_pack()->card.id, "poor");
  EXPECT_EQ(reason_of(registry().open("good")), "pack_file_missing");
  EXPECT_TRUE(registry().remove("empty"));
}

TEST_F(RegistryTest, APackOpensWithAbsolutePathsAndItsModelId) {
  const Card card = write_tiny_pack(packs() / "tiny");
  const auto spec = registry().open("tiny");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->embedders.at(0).file, packs() / "tiny/nets/embedder.onnx");
  EXPECT_EQ(spec->contour->file, packs() / "tiny/nets/contour.onnx");
  EXPECT_EQ(spec->model_id, *model_id(card));
  EXPECT_EQ(reason_of(calibration_of(*spec)), "pack_not_calibrated");
  EXPECT_EQ(registry().open("")->pack_id, "tiny");
  EXPECT_EQ(registry().open((packs() / "tiny").string())->pack_id, "tiny");
}

TEST_F(RegistryTest, AFileThatWasChangedSinceIsFoundWhenThePackIsOpened) {
  write_tiny_pack(packs() / "tiny");
  const fs::path file = packs() / "tiny/nets/embedder.onnx";
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(500);
    stream.put('\x55');
  }
  const auto changed = registry().open("tiny");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(changed.error().reason, "pack_file_sha256");
  EXPECT_THAT(changed.error().message, HasSubstr("embedder.onnx"));
  fs::resize_file(file, 100);
  EXPECT_EQ(reason_of(registry().open("tiny")), "pack_file_size");
}

TEST_F(RegistryTest, AnUnknownIdNamesNearOnesAndAKnownOneSaysHowToInstallIt) {
  const auto unknown = registry().open("buffalo-l");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::NotFound);
  EXPECT_EQ(unknown.error().reason, "pack_unknown");
  EXPECT_THAT(unknown.error().message, HasSubstr("did you mean buffalo_l"));
  EXPECT_EQ(reason_of(registry().info("buffalo-l")), "pack_unknown");
  EXPECT_EQ(reason_of(registry().open("/no/such/folder")), "pack_unknown");
  const auto known = registry().open("buffalo_l");
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().reason, "pack_not_installed");
  EXPECT_THAT(known.error().message, HasSubstr("faceforge packs install buffalo_l"));
  EXPECT_EQ(registry().info("buffalo_l")->state, PackState::NotInstalled);
}

TEST_F(RegistryTest, AFolderThatIsNoPackIsUnrecognized) {
  fs::create_directories(in_place() / "photos");
  const std::string photos = (in_place() / "photos").string();
  EXPECT_EQ(reason_of(registry().open(photos)), "pack_unrecognized");
  EXPECT_EQ(reason_of(registry().info(photos)), "pack_unrecognized");
  // Named like a known pack's, and something else.
  for (const char* name : {"det_500m.onnx", "w600k_mbf.onnx"}) {
    ASSERT_TRUE(write_file_atomically(in_place() / "photos" / name, std::string_view("x")));
  }
  const auto namesake = registry().open(photos);
  ASSERT_FALSE(namesake);
  EXPECT_EQ(namesake.error().code, ErrorCode::Unsupported);
  EXPECT_THAT(namesake.error().message, HasSubstr("buffalo_sc"));
}

TEST_F(RegistryTest, PacksInPlaceAreListedOpenedAndNeverRemoved) {
  write_tiny_pack(in_place() / "anything", {.id = "inside", .accuracy = 0.9});
  fs::create_directories(in_place() / "no pack");
  write_tiny_pack(in_place() / "broken", {.id = "broken"});
  ASSERT_TRUE(write_file_atomically(in_place() / "broken/card.json", std::string_view("{")));
  const Registry registry = registry_with_in_place();
  const PackEntry entry = entry_of(registry, "inside");
  EXPECT_EQ(entry.state, PackState::InPlace);
  EXPECT_EQ(entry.folder, in_place() / "anything");
  EXPECT_EQ(entry_of(registry, "broken").fault->reason, "card_malformed");
  EXPECT_EQ(registry.default_pack()->card.id, "inside");
  EXPECT_EQ(registry.open("inside")->embedders.at(0).file,
            in_place() / "anything/nets/embedder.onnx");
  EXPECT_EQ(reason_of(registry.remove("inside")), "pack_in_place");
  EXPECT_TRUE(fs::exists(in_place() / "anything/card.json"));
  EXPECT_FALSE(fs::exists(packs()));  // looking leaves no trace
}

TEST_F(RegistryTest, AFolderThatChangesIsRecognizedAnew) {
  fs::create_directories(in_place() / "a");
  const auto write = [&](const char* name, std::string_view contents) {
    ASSERT_TRUE(write_file_atomically(in_place() / "a" / name, contents));
  };
  RecognitionMemory memory;
  // sha256sum of "two"
  const std::vector<Card> cards = {
      {.id = "two",
       .files = {{.path = "b.onnx",
                  .sha256 = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"}}}};
  const auto is_known = [&] { return memory.recognize(in_place() / "a", cards)->has_value(); };
  EXPECT_FALSE(is_known());
  write("b.onnx", "two");
  EXPECT_TRUE(is_known());
  EXPECT_TRUE(is_known());
  write("b.onnx", "three");
  EXPECT_FALSE(is_known());
}

TEST_F(RegistryTest, AnInstalledPackComesBeforeTheSameOneInPlace) {
  write_tiny_pack(in_place() / "tiny");
  write_tiny_pack(packs() / "tiny");
  EXPECT_EQ(entry_of(registry_with_in_place(), "tiny").state, PackState::Installed);
  EXPECT_EQ(registry_with_in_place().open("tiny")->detector.file, packs() / "tiny/detector.onnx");
}

TEST_F(RegistryTest, ABetterPackInPlaceIsPreferredToAnInstalledOne) {
  write_tiny_pack(packs() / "poor", {.id = "poor", .accuracy = 0.5});
  write_tiny_pack(in_place() / "good", {.id = "good", .accuracy = 0.99});
  EXPECT_EQ(registry_with_in_place().default_pack()->card.id, "good");
}

TEST_F(RegistryTest, TheInPlaceFolderMayBeAPackItself) {
  write_tiny_pack(in_place(), {.id = "itself"});
  EXPECT_EQ(registry_with_in_place().default_pack()->card.id, "itself");
}

TEST_F(RegistryTest, AnInPlaceFolderThatIsNotThereIsAnError) {
  const Registry registry({.packs_folder = packs(), .in_place_folder = "/no/such/folder"});
  const auto entries = registry.list();
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().reason, "in_place_folder_missing");
  EXPECT_THAT(entries.error().message, HasSubstr("FACEFORGE_PACKS"));
}

TEST_F(RegistryTest, TheEnvironmentNamesTheInPlaceFolder) {
  ::setenv("FACEFORGE_PACKS", "/some/packs", 1);
  const auto options = RegistryOptions::from_environment("/data");
  ::setenv("FACEFORGE_PACKS", "", 1);
  const auto without = RegistryOptions::from_environment("/data");
  ::unsetenv("FACEFORGE_PACKS");
  EXPECT_EQ(options.packs_folder, "/data/packs");
  EXPECT_EQ(options.in_place_folder, "/some/packs");
  EXPECT_FALSE(without.in_place_folder);
}

TEST_F(RegistryTest, ACalibrationOfAnInstalledPackGoesIntoItsCard) {
  const Card card = write_tiny_pack(packs() / "tiny");
  const auto written = registry().store_calibration("tiny", calibration_of_card(card, 700));
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(*written, packs() / "tiny/card.json");
  EXPECT_EQ(calibration_of(*registry().open("tiny"))->impostor_pair_count, 700);
}

TEST_F(RegistryTest, ACalibrationOfAPackInPlaceIsKeptBesideTheInstalledOnes) {
  const Card card = write_tiny_pack(in_place() / "tiny");
  const Registry registry = registry_with_in_place();
  const auto before = read_text_file(in_place() / "tiny/card.json", 1 << 20).value();
  ASSERT_TRUE(registry.store_calibration("tiny", calibration_of_card(card, 800)));
  EXPECT_EQ(read_text_file(in_place() / "tiny/card.json", 1 << 20).value(), before);
  EXPECT_EQ(calibration_of(*registry.open("tiny"))->impostor_pair_count, 800);
  EXPECT_EQ(calibration_of(*registry.open((in_place() / "tiny").string()))->impostor_pair_count,
            800);
  // It does not outlive the weights that it was measured on, nor hide what the next ones bring.
  const Card next = write_tiny_pack(in_place() / "tiny", {.weight = 0.02F});
  EXPECT_EQ(reason_of(calibration_of(*registry.open("tiny"))), "pack_not_calibrated");
  ASSERT_TRUE(write_calibration(calibration_of_card(next, 900), in_place() / "tiny"));
  EXPECT_EQ(calibration_of(*registry.open("tiny"))->impostor_pair_count, 900);
}

TEST_F(RegistryTest, TheListAndTheInfoShowTheCalibrationThatIsUsed) {
  const Card card = write_tiny_pack(in_place() / "tiny");
  ASSERT_TRUE(write_calibration(calibration_of_card(card, 700), in_place() / "tiny"));
  const Registry registry = registry_with_in_place();
  EXPECT_EQ(entry_of(registry, "tiny").card.calibration->impostor_pair_count, 700);
  ASSERT_TRUE(registry.store_calibration("tiny", calibration_of_card(card, 800)));
  const std::string folder = (in_place() / "tiny").string();
  EXPECT_EQ(calibration_of(*registry.open("tiny"))->impostor_pair_count, 800);
  EXPECT_EQ(entry_of(registry, "tiny").card.calibration->impostor_pair_count, 800);
  EXPECT_EQ(registry.info("tiny")->card.calibration->impostor_pair_count, 800);
  EXPECT_EQ(registry.info(folder)->card.calibration->impostor_pair_count, 800);
}

TEST_F(RegistryTest, ACalibrationOfAnotherModelIsRefused) {
  write_tiny_pack(packs() / "tiny");
  const Card other = write_tiny_pack(folder_.path() / "other", {.weight = 0.02F});
  EXPECT_EQ(reason_of(registry().store_calibration("tiny", calibration_of_card(other, 1))),
            "model_mismatch");
  EXPECT_FALSE(registry().open("tiny")->calibration);
}

TEST_F(RegistryTest, AnAccuracyGoesIntoTheCardOfAnInstalledPackAndRanksIt) {
  write_tiny_pack(packs() / "first");
  const Card second = write_tiny_pack(packs() / "second", {.id = "second", .weight = 0.02F});
  const MeasuredAccuracy accuracy{.protocol = "list", .accuracy = 0.95, .accuracy_std = 0.01};
  const auto written = registry().store_accuracy("second", *model_id(second), accuracy);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(*written, packs() / "second/card.json");
  const auto stored = entry_of(registry(), "second").card.measured_accuracy;
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->protocol, "list");
  EXPECT_EQ(stored->accuracy, 0.95);
  EXPECT_EQ(stored->accuracy_std, 0.01);
  EXPECT_EQ(entry_of(registry(), "second").default_mark, DefaultMark::Default);
}

TEST_F(RegistryTest, AnAccuracyOfAPackInPlaceIsKeptBesideTheInstalledOnes) {
  const Card card = write_tiny_pack(in_place() / "tiny");
  const Registry registry = registry_with_in_place();
  const auto before = read_text_file(in_place() / "tiny/card.json", 1 << 20).value();
  ASSERT_TRUE(registry.store_accuracy("tiny", *model_id(card), {.protocol = "p", .accuracy = 0.8}));
  EXPECT_EQ(read_text_file(in_place() / "tiny/card.json", 1 << 20).value(), before);
  EXPECT_EQ(entry_of(registry, "tiny").card.measured_accuracy->accuracy, 0.8);
  // A calibration after it takes nothing away, and neither outlives the weights.
  ASSERT_TRUE(registry.store_calibration("tiny", calibration_of_card(card, 800)));
  EXPECT_EQ(entry_of(registry, "tiny").card.measured_accuracy->accuracy, 0.8);
  EXPECT_EQ(entry_of(registry, "tiny").card.calibration->impostor_pair_count, 800);
  write_tiny_pack(in_place() / "tiny", {.weight = 0.02F});
  EXPECT_EQ(entry_of(registry, "tiny").card.measured_accuracy->accuracy, 0.9) << "its own";
}

TEST_F(RegistryTest, AnAccuracyOfAnotherModelOrOfANamelessProtocolIsRefused) {
  const Card card = write_tiny_pack(packs() / "tiny");
  const auto before = read_text_file(packs() / "tiny/card.json", 1 << 20).value();
  const face::ModelId other(std::string(64, 'a'));
  EXPECT_EQ(reason_of(registry().store_accuracy("tiny", other, {.protocol = "p", .accuracy = 1})),
            "model_mismatch");
  for (const std::string& protocol : {std::string(), std::string(300, 'x')}) {
    const auto refused =
        registry().store_accuracy("tiny", *model_id(card), {.protocol = protocol, .accuracy = 1});
    EXPECT_EQ(reason_of(refused), "card_invalid");
  }
  EXPECT_EQ(read_text_file(packs() / "tiny/card.json", 1 << 20).value(), before);
  EXPECT_EQ(reason_of(registry().store_accuracy("none", other, {.protocol = "p", .accuracy = 1})),
            "pack_unknown");
}

TEST_F(RegistryTest, ThePacksFolderIsForItsOwnerOnlyAlsoWhenItWasWider) {
  const auto mode_of = [](const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions()) & 0777;
  };
  fs::permissions(folder_.path(), fs::perms(0755));
  ASSERT_TRUE(PacksLock::take(packs() / "deeper"));
  EXPECT_EQ(mode_of(packs()), 0700U);
  EXPECT_EQ(mode_of(packs() / "deeper"), 0700U);
  EXPECT_EQ(mode_of(folder_.path()), 0755U);
  fs::permissions(packs(), fs::perms(0755));
  const auto lock = PacksLock::take(packs());
  ASSERT_TRUE(lock);
  EXPECT_EQ(mode_of(packs()), 0700U);
  const auto staging = Staging::create(packs(), *lock);
  ASSERT_TRUE(staging);
  EXPECT_EQ(mode_of(staging->path()), 0700U);
}

TEST_F(RegistryTest, NothingIsChangedWhileAnotherIsAtIt) {
  const Card card = write_tiny_pack(packs() / "tiny");
  const auto lock = PacksLock::take(packs());
  ASSERT_TRUE(lock);
  EXPECT_EQ(reason_of(registry().remove("tiny")), "install_in_progress");
  EXPECT_EQ(reason_of(registry().store_calibration("tiny", calibration_of_card(card, 1))),
            "install_in_progress");
  EXPECT_TRUE(registry().open("tiny"));  // looking is free
}

TEST_F(RegistryTest, ThePacksOfTheTestDataAreUsedInPlaceWithoutACard) {
  SKIP_WITHOUT_TEST_DATA(data);
  const Registry registry({.packs_folder = packs(), .in_place_folder = data / "packs"});
  EXPECT_EQ(registry.default_pack()->card.id, "retinaface-mbf");  // permissive, then accuracy
  for (const char* id : {"retinaface-mbf", "yunet-mbf", "scrfd-mbf", "scrfd500-mbf"}) {
    const auto spec = registry.open(id);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->model_id, *model_id(*find_known_card(id)));
  }
  EXPECT_EQ(registry.open("yunet-mbf")->liveness.size(), 2U);
}

}  // namespace
}  // namespace faceforge::packs
