#include "packs/recommend.h"

#include <algorithm>

#include <fmt/format.h>

namespace faceforge::packs {
namespace {

/// Less is within what other photos would have measured.
constexpr double kShareOfErrors = 2.0 / 3;

double error_rate(const Card& card) {
  return 1 - known_accuracy(card)->accuracy;
}

bool does_better(const Card& card, const Card& than) {
  return known_accuracy(card) && error_rate(card) <= kShareOfErrors * error_rate(than);
}

bool is_usable(const PackEntry& entry) {
  return entry.state != PackState::NotInstalled && !entry.fault;
}

const Card* best(std::span<const PackEntry> entries, const Card& than, auto is_wanted) {
  const Card* found = nullptr;
  for (const PackEntry& entry : entries) {
    if (entry.state != PackState::NotInstalled || !is_wanted(entry.card)) continue;
    if (!does_better(entry.card, than)) continue;
    if (found == nullptr || preferred(entry.card, *found)) found = &entry.card;
  }
  return found;
}

Suggestion suggestion(const Card& card) {
  Suggestion made{.card = card, .command = "faceforge packs install " + card.id, .note = {}};
  if (card.source.kind == SourceKind::None) {
    made.command = "faceforge packs install DIR";
    made.note = fmt::format("DIR is the folder of its files ({})", card.licence.label);
  } else {
    made.note = fmt::format(
        "{} ({})", card.source.kind == SourceKind::Npm ? "fetched and converted" : "fetched",
        card.licence.label);
  }
  if (card.licence.kind == LicenceKind::NonCommercial) made.note += "; non-commercial use only";
  if (!card.calibration) made.note += "; it judges once you have calibrated it";
  return made;
}

/// What the better pack would add.
std::string summary(const Card& now, const Card& better) {
  return fmt::format(
      "The pack in use, {}, judges {:.1f} in 1,000 pairs of photos wrongly; {} ({} numbers a face) "
      "{:.1f}.",
      now.id, 1000 * error_rate(now), better.id, vision::embedding_length(better.embedders),
      1000 * error_rate(better));
}

}  // namespace

std::optional<Recommendation> recommend(std::span<const PackEntry> entries,
                                        std::string_view in_use) {
  const auto used = std::ranges::find(
      entries, in_use, [](const PackEntry& entry) { return std::string_view(entry.card.id); });
  if (used == entries.end() || !known_accuracy(used->card)) return std::nullopt;
  const Card& now = used->card;
  const bool has_better = std::ranges::any_of(entries, [&](const PackEntry& entry) {
    return is_usable(entry) && entry.card.id != now.id && preferred(entry.card, now);
  });
  if (has_better) return std::nullopt;
  const Card* permissive = best(
      entries, now, [](const Card& card) { return card.licence.kind == LicenceKind::Permissive; });
  if (permissive == nullptr) return std::nullopt;
  Recommendation made{.in_use = now.id, .summary = summary(now, *permissive), .suggestions = {}};
  made.suggestions.push_back(suggestion(*permissive));
  const Card* download =
      best(entries, now, [](const Card& card) { return card.source.kind == SourceKind::Url; });
  if (download != nullptr && download != permissive) {
    made.suggestions.push_back(suggestion(*download));
  }
  return made;
}

}  // namespace faceforge::packs
