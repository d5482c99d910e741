#include "packs/registry.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <system_error>
#include <utility>

#include <fmt/ranges.h>

#include "base/file.h"
#include "packs/internal/catalogue.h"
#include "packs/internal/pack_files.h"
#include "packs/internal/packs_lock.h"
#include "packs/known_cards.h"
#include "packs/promotion.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

bool is_usable(const PackEntry& entry) {
  return entry.state != PackState::NotInstalled && !entry.fault;
}

Result<vision::PipelineSpec> open_entry(const PackEntry& entry, const fs::path& packs_folder) {
  if (entry.fault) return Unexpected(*entry.fault);
  Card card = TRY(checked(entry.card, entry.folder));
  add_measurements(card, packs_folder);
  return pipeline_spec(card, entry.folder);
}

}  // namespace

RegistryOptions RegistryOptions::from_environment(const fs::path& data_folder) {
  RegistryOptions options{.packs_folder = data_folder / "packs"};
  const char* named = std::getenv("FACEFORGE_PACKS");
  if (named != nullptr && *named != '\0') options.in_place_folder = named;
  return options;
}

Registry::Registry(RegistryOptions options)
    : options_(std::move(options)), memory_(std::make_shared<RecognitionMemory>()) {}

Result<std::vector<PackEntry>> Registry::list() const {
  std::vector<PackEntry> entries = TRY(packs_here(options_, *memory_));
  for (const Card& card : known_cards()) {
    if (std::ranges::find(entries, card.id, id_of) == entries.end()) {
      entries.push_back({.card = card, .state = PackState::NotInstalled});
    }
  }
  for (PackEntry& entry : entries) add_measurements(entry.card, options_.packs_folder);
  std::ranges::stable_sort(
      entries, [](const PackEntry& a, const PackEntry& b) { return preferred(a.card, b.card); });
  const auto promotions = TRY(read_promotions(options_.packs_folder));
  auto best = promotions.empty()
                  ? entries.end()
                  : std::ranges::find_if(entries, [&](const PackEntry& entry) {
                      return is_usable(entry) && entry.card.id == promotions.back().pack_id &&
                             model_id(entry.card) == promotions.back().model_id;
                    });
  if (best == entries.end()) best = std::ranges::find_if(entries, is_usable);
  if (best != entries.end()) best->default_mark = DefaultMark::Default;
  return entries;
}

Result<PackEntry> Registry::info(std::string_view id_or_folder) const {
  const auto entries = TRY(list());
  const auto found = std::ranges::find(entries, id_or_folder, id_of);
  if (found != entries.end()) return *found;
  std::error_code failed;
  const fs::path folder(id_or_folder);
  if (fs::is_directory(folder, failed)) {
    auto card = TRY(card_of(folder));
    add_measurements(card, options_.packs_folder);
    return PackEntry{.card = std::move(card), .state = PackState::InPlace, .folder = folder};
  }
  return unknown_pack(id_or_folder, entries);
}

Result<PackEntry> Registry::default_pack() const {
  const auto entries = TRY(list());
  const auto found = std::ranges::find(entries, DefaultMark::Default, &PackEntry::default_mark);
  if (found != entries.end()) return *found;
  return fail(ErrorCode::NotFound, "no_pack",
              "no model pack is installed in {}: name the place that a server was started with, by "
              "--data, run `faceforge packs install faceapi`, or name a folder of packs in "
              "FACEFORGE_PACKS",
              options_.packs_folder.string());
}

Result<vision::PipelineSpec> Registry::open(std::string_view id_or_folder) const {
  const PackEntry entry =
      id_or_folder.empty() ? TRY(default_pack()) : TRY(find_pack(options_, id_or_folder, *memory_));
  return open_entry(entry, options_.packs_folder);
}

Result<face::ModelId> Registry::model_of(const PackEntry& entry) const {
  if (auto known = model_id(entry.card)) return *std::move(known);
  return TRY(open_entry(entry, options_.packs_folder)).model_id;
}

Result<void> Registry::remove(std::string_view id) const {
  const auto installed = [&]() -> Result<fs::path> {
    const auto entries = TRY(packs_here(options_, *memory_));
    const auto found = std::ranges::find(entries, id, id_of);
    if (found == entries.end()) {
      return fail(ErrorCode::NotFound, "pack_not_installed", "no pack {} is installed in {}", id,
                  options_.packs_folder.string());
    }
    if (found->state == PackState::InPlace) {
      return fail(ErrorCode::Conflict, "pack_in_place",
                  "the pack {} is used where it lies, in {}: it was never installed", id,
                  found->folder.string());
    }
    return found->folder;
  };
  TRY(installed());  // a pack that is not there leaves no trace
  const PacksLock lock = TRY(PacksLock::take(options_.packs_folder));
  const fs::path folder = TRY(installed());
  const Staging staging = TRY(Staging::create(options_.packs_folder, lock));
  // Out of sight first, so that no reader meets half a pack; the staging folder then takes it away.
  std::error_code failed;
  fs::rename(folder, staging.path() / "removed", failed);
  if (failed) return Unexpected(file_error(failed.value(), "remove", folder));
  return flush_folder(options_.packs_folder);
}

Result<fs::path> Registry::store_measurement(std::string_view id_or_folder,
                                             const face::ModelId& measured_model,
                                             const std::function<void(Card&)>& change) const {
  TRY(find_pack(options_, id_or_folder, *memory_));  // a pack that is not there leaves no trace
  const PacksLock lock = TRY(PacksLock::take(options_.packs_folder));
  // Again, now that nobody else changes it.
  const PackEntry entry = TRY(find_pack(options_, id_or_folder, *memory_));
  Card card = TRY(checked(entry.card, entry.folder));
  if (model_id(card) != measured_model) {
    return fail(ErrorCode::Conflict, "model_mismatch",
                "what was measured is the model {}, not that of the pack {}", measured_model.hex(),
                card.id);
  }
  fs::path folder = entry.folder;
  if (entry.state == PackState::InPlace) {
    folder = own_card_folder(options_.packs_folder, card.id);
    // Only what was measured here, so that it hides nothing else that the pack brings.
    card.calibration.reset();
    card.measured_accuracy.reset();
    if (const auto stored = read_card(folder); stored && model_id(*stored) == measured_model) {
      card.calibration = stored->calibration;
      card.measured_accuracy = stored->measured_accuracy;
    }
    TRY(make_private_folder(folder));
  }
  change(card);
  TRY(parse_card(to_text(card)));
  TRY(write_card(card, folder));
  return folder / kCardFileName;
}

Result<fs::path> Registry::store_calibration(std::string_view id_or_folder,
                                             const face::Calibration& calibration) const {
  return store_measurement(id_or_folder, calibration.model_id,
                           [&](Card& card) { card.calibration = calibration; });
}

Result<fs::path> Registry::store_accuracy(std::string_view id_or_folder,
                                          const face::ModelId& model_id,
                                          const MeasuredAccuracy& accuracy) const {
  return store_measurement(id_or_folder, model_id,
                           [&](Card& card) { card.measured_accuracy = accuracy; });
}

}  // namespace faceforge::packs
