#include <algorithm>
#include <chrono>
#include <optional>
#include <ranges>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "archive/zip.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "packs/internal/catalogue.h"
#include "packs/internal/npm_package.h"
#include "packs/internal/pack_files.h"
#include "packs/internal/packs_lock.h"
#include "packs/known_cards.h"
#include "packs/registry.h"
#include "vision/pipeline.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

/// A zip's folders are searched this deep for the pack: `buffalo_l/buffalo_l/det_10g.onnx` exists.
constexpr int kNestingLimit = 3;

bool is_url(std::string_view what) {
  return what.starts_with("http://") || what.starts_with("https://");
}

/// One call of install(): from where the files come to where they go, step by step.
class Installation {
 public:
  Installation(const RegistryOptions& registry, const InstallOptions& options,
               const Staging& staging)
      : registry_(registry), options_(options), staging_(staging.path()) {}

  Result<InstallReport> by_id(const Card& known);
  Result<InstallReport> from_npm(const Card& known, const fs::path& made);
  Result<InstallReport> from_url(const std::string& url, const std::optional<std::string>& sha256,
                                 const Card* expected);
  Result<InstallReport> from_zip(const fs::path& zip, const Card* expected);
  Result<InstallReport> from_folder(const fs::path& folder, const Card* expected);

 private:
  Result<void> check_not_cancelled() const;
  Result<void> accept_licence(const Card& card);
  Result<InstallReport> adopt(const fs::path& folder, const Card& card);
  Result<InstallOutcome> move_into_place(const fs::path& made, const Card& card) const;

  const RegistryOptions& registry_;
  const InstallOptions& options_;
  fs::path staging_;
  bool licence_accepted_ = false;
};

/// The installed pack of a card's id, when all its files are as its card says and as `card` wants.
Result<std::optional<Card>> intact_pack(const fs::path& packs_folder, const Card& card) {
  const fs::path folder = packs_folder / card.id;
  std::error_code failed;
  if (!fs::exists(folder, failed)) return std::nullopt;
  const auto own = read_card(folder);
  if (!own || own->id != card.id) return std::nullopt;
  auto whole = checked(*own, folder);
  if (!whole) return std::nullopt;
  return *std::move(whole);
}

bool same_files(const Card& wanted, const Card& installed) {
  return std::ranges::all_of(wanted.files, [&](const PackFile& file) {
    const auto found = std::ranges::find(installed.files, file.path, &PackFile::path);
    return found != installed.files.end() && (!file.sha256 || file.sha256 == found->sha256);
  });
}

Unexpected differs(const Card& card, const fs::path& folder) {
  return fail(ErrorCode::Conflict, "pack_differs",
              "another pack {0} is installed in {1}: `faceforge packs remove {0}` first", card.id,
              folder.string());
}

Result<void> Installation::check_not_cancelled() const {
  if (options_.cancelled == nullptr || !options_.cancelled->load()) return {};
  return fail(ErrorCode::Cancelled, "install_cancelled", "the installation was cancelled");
}

Result<void> Installation::accept_licence(const Card& card) {
  if (licence_accepted_ || options_.licence_consent == LicenceConsent::Given) return {};
  if (options_.ask_licence && options_.ask_licence(card) == LicenceAnswer::Accepted) {
    licence_accepted_ = true;
    return {};
  }
  return fail(ErrorCode::Forbidden, "licence_not_accepted",
              "the licence of the pack {} ({}, {}) was not accepted; `--accept-licence` accepts it",
              card.id, card.licence.label, card.licence.url);
}

Result<InstallReport> Installation::by_id(const Card& known) {
  TRY(accept_licence(known));
  switch (known.source.kind) {
    case SourceKind::Url:
      return from_url(known.source.url, known.source.sha256, &known);
    case SourceKind::Npm: {
      const fs::path made = staging_ / "converted";
      std::error_code failed;
      fs::create_directory(made, failed);
      if (failed) return Unexpected(file_error(failed.value(), "make the folder", made));
      return from_npm(known, made);
    }
    case SourceKind::None:
      break;
  }
  RecognitionMemory memory;
  const auto entries = TRY(packs_here(registry_, memory));
  const auto in_place = std::ranges::find(entries, known.id, id_of);
  if (in_place != entries.end() && in_place->state == PackState::InPlace) {
    return from_folder(in_place->folder, &known);
  }
  return fail(ErrorCode::Unsupported, "pack_has_no_source",
              "the pack {} cannot be downloaded: give the path of its folder or zip, or a URL",
              known.id);
}

Result<InstallReport> Installation::from_npm(const Card& known, const fs::path& made) {
  const bool is_refused = options_.other_weights == OtherWeights::Refused;
  std::vector<std::string> files;
  for (const PackFile& file : known.files) files.push_back(file.path);
  for (const NpmPackage& package : known.source.packages) {
    TRY(check_not_cancelled());
    const fs::path folder = TRY(find_npm_package(package.name, options_.npm_folders));
    NpmPackage found = package;
    if (!is_refused) found.version = TRY(npm_package_version(folder, package.name));
    TRY(convert_npm_package(found, folder, files, made));
  }
  if (is_refused) return from_folder(made, &known);
  Card card = known;
  for (PackFile& file : card.files) {
    file.sha256.reset();
    file.size_bytes.reset();
  }
  card = TRY(checked(card, made));
  if (same_files(known, card)) return from_folder(made, &known);
  card.measured_accuracy.reset();
  card.calibration.reset();
  InstallReport report = TRY(from_folder(made, &card));
  report.warnings.push_back(fmt::format(
      "these weights are not those that {0} was measured with: it has no accuracy and promises no "
      "false match rate until `faceforge evaluate calibrate --pack {0} --images DIR --write-card` "
      "(or `--measure DIR` here) has measured it",
      card.id));
  return report;
}

/// Tells whether an earlier call left the whole download, not long ago: what an address gives may
/// change.
bool is_whole(const fs::path& zip, const std::optional<std::string>& sha256) {
  std::error_code failed;
  const auto written = fs::last_write_time(zip, failed);
  if (failed || fs::file_time_type::clock::now() - written > std::chrono::hours(24)) return false;
  if (!sha256) return true;
  const auto found = sha256_file(zip);
  return found && to_hex(*found) == *sha256;
}

/// Tells whether a download cannot be installed by another try, after a licence was accepted, say,
/// or room made on the disk.
bool is_of_no_use(ErrorCode why_not_installed) {
  return why_not_installed == ErrorCode::Corrupt || why_not_installed == ErrorCode::InvalidInput ||
         why_not_installed == ErrorCode::Unsupported || why_not_installed == ErrorCode::TooLarge;
}

Result<InstallReport> Installation::from_url(const std::string& url,
                                             const std::optional<std::string>& sha256,
                                             const Card* expected) {
  // Named by the address, so that a download that broke off is resumed by the next call.
  const fs::path downloads = registry_.packs_folder / ".downloads";
  const fs::path zip =
      downloads / (to_hex(faceforge::sha256(std::string_view(url))).substr(0, 32) + ".zip");
  TRY(make_private_folder(downloads));
  std::error_code failed;
  if (!is_whole(zip, sha256)) {
    const auto report = TRY(net::download(url, zip,
                                          {.expected_sha256 = sha256,
                                           .allowed_addresses = options_.allowed_addresses,
                                           .retry_limit = options_.download_retry_limit,
                                           .on_progress = options_.on_progress,
                                           .cancelled = options_.cancelled}));
    log::info("downloaded {} bytes, sha256 {}", report.size_bytes, report.sha256);
  }
  auto installed = from_zip(zip, expected);
  if (installed || is_of_no_use(installed.error().code)) fs::remove(zip, failed);
  return installed;
}

Result<InstallReport> Installation::from_zip(const fs::path& zip, const Card* expected) {
  const fs::path unpacked = staging_ / "unpacked";
  TRY(archive::extract_zip(zip, unpacked, {}));
  return from_folder(unpacked, expected);
}

/// Adds the folders that look like packs, outermost first; not those inside a pack.
Result<void> collect_packs(const fs::path& folder, const Card* expected, int levels_left,
                           std::vector<fs::path>& found) {
  const bool is_it =
      expected != nullptr ? has_file_names(folder, *expected) : looks_like_pack(folder);
  if (is_it) {
    found.push_back(folder);
    return {};
  }
  if (levels_left == 0) return {};
  const auto inside = TRY(subfolders(folder));
  for (const fs::path& subfolder : inside) {
    TRY(collect_packs(subfolder, expected, levels_left - 1, found));
  }
  return {};
}

Result<InstallReport> Installation::from_folder(const fs::path& folder, const Card* expected) {
  TRY(check_not_cancelled());
  std::vector<fs::path> found;
  TRY(collect_packs(folder, expected, kNestingLimit, found));
  if (found.size() > 1) {
    return fail(ErrorCode::Unsupported, "pack_ambiguous",
                "{} packs are in it ({}): install one of these folders", found.size(),
                fmt::join(found | std::views::transform([&](const fs::path& one) {
                            return one.lexically_relative(folder).string();
                          }),
                          ", "));
  }
  if (found.empty() && expected != nullptr) {
    // Says which file is missing.
    TRY(check_sizes(*expected, folder));
  }
  if (found.empty()) {
    return fail(ErrorCode::Unsupported, "pack_unrecognized",
                "{} holds no pack: no card.json and no ONNX file", folder.string());
  }
  const Card card = expected != nullptr ? *expected : TRY(card_of(found.front()));
  return adopt(found.front(), card);
}

Result<InstallOutcome> Installation::move_into_place(const fs::path& made, const Card& card) const {
  const fs::path place = registry_.packs_folder / card.id;
  std::error_code failed;
  if (fs::exists(place, failed)) {
    TRY(replace_folder(made, place, staging_ / "replaced"));
    TRY(flush_folder(registry_.packs_folder));
    return InstallOutcome::Repaired;
  }
  fs::rename(made, place, failed);
  if (failed) return Unexpected(file_error(failed.value(), "make the folder", place));
  TRY(flush_folder(registry_.packs_folder));
  return InstallOutcome::Installed;
}

Result<InstallReport> Installation::adopt(const fs::path& folder, const Card& card) {
  const fs::path place = registry_.packs_folder / card.id;
  TRY(check_sizes(card, folder));
  TRY(accept_licence(card));
  const fs::path made = staging_ / "pack";
  std::error_code failed;
  fs::create_directory(made, failed);
  if (failed) return Unexpected(file_error(failed.value(), "make the folder", made));
  TRY(copy_files(card, folder, made));
  const Card filled = TRY(checked(card, made));
  const auto installed = TRY(intact_pack(registry_.packs_folder, filled));
  if (installed && same_files(filled, *installed)) {
    return InstallReport{*installed, place, InstallOutcome::AlreadyInstalled};
  }
  if (installed) return differs(card, place);
  TRY(check_not_cancelled());
  TRY(vision::Pipeline::load(pipeline_spec(filled, made)));
  TRY(write_card(filled, made));
  const auto outcome = TRY(move_into_place(made, filled));
  return InstallReport{filled, place, outcome};
}

const Card* known_by_id_or_url(std::string_view what) {
  const auto found = std::ranges::find_if(known_cards(), [&](const Card& card) {
    return card.id == what || (card.source.kind == SourceKind::Url && card.source.url == what);
  });
  return found == known_cards().end() ? nullptr : &*found;
}

}  // namespace

Result<InstallReport> Registry::install(const std::string& what,
                                        const InstallOptions& options) const {
  const PacksLock lock = TRY(PacksLock::take(options_.packs_folder));
  const Card* known = known_by_id_or_url(what);
  if (known != nullptr) {
    const auto installed = TRY(intact_pack(options_.packs_folder, *known));
    const fs::path place = options_.packs_folder / known->id;
    if (installed && same_files(*known, *installed)) {
      return InstallReport{*installed, place, InstallOutcome::AlreadyInstalled};
    }
    if (installed) return differs(*known, place);
  }
  const Staging staging = TRY(Staging::create(options_.packs_folder, lock));
  Installation installation(options_, options, staging);
  if (known != nullptr) return installation.by_id(*known);
  if (is_url(what)) return installation.from_url(what, std::nullopt, nullptr);
  std::error_code failed;
  if (fs::is_directory(what, failed)) return installation.from_folder(what, nullptr);
  if (fs::is_regular_file(what, failed)) return installation.from_zip(what, nullptr);
  const auto entries = TRY(packs_here(options_, *memory_));
  return unknown_pack(what, entries);
}

}  // namespace faceforge::packs
