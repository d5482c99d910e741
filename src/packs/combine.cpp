#include "packs/combine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "packs/internal/pack_files.h"
#include "packs/new_pack.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

/// The card of a pack on this machine, every file of it read and checked.
Result<Card> whole_card(const PackEntry& entry) {
  if (entry.fault) return Unexpected(*entry.fault);
  if (entry.state == PackState::NotInstalled) {
    return fail(ErrorCode::NotFound, "pack_not_installed",
                "the pack {0} is not on this machine: `faceforge packs install {0}`",
                entry.card.id);
  }
  return checked(entry.card, entry.folder);
}

bool needs_contour(const Card& card) {
  return std::ranges::any_of(card.embedders, [](const vision::EmbedderSpec& embedder) {
    return !embedder.landmark_template.contour_indices.empty();
  });
}

const PackFile& file_of(const Card& card, const fs::path& path) {
  const auto found = std::ranges::find(card.files, path.generic_string(), &PackFile::path);
  CHECK_MSG(found != card.files.end(), "every file that a card names is listed");
  return *found;
}

/// Takes a file of the second pack in. Gives its path among the card's files.
std::string add_file(const fs::path& path, const Card& from, const fs::path& folder,
                     Combination& combination) {
  PackFile file = file_of(from, path);
  auto& files = combination.card.files;
  const auto equal = std::ranges::find(files, file.sha256, &PackFile::sha256);
  if (equal != files.end()) return equal->path;
  const auto taken = [&](const std::string& other) {
    return std::ranges::find(files, other, &PackFile::path) != files.end();
  };
  const std::string wanted = file.path;
  file.path = taken(wanted) ? from.id + "/" + wanted : wanted;
  for (int number = 2; taken(file.path); ++number) {
    file.path = fmt::format("{}_{}/{}", from.id, number, wanted);
  }
  files.push_back(file);
  combination.sources.push_back(folder / wanted);
  return file.path;
}

/// Takes the embedders of the second pack in, and whom they were trained on.
void add_embedders(const Card& from, const fs::path& folder, Combination& combination) {
  for (vision::EmbedderSpec embedder : from.embedders) {
    embedder.file = add_file(embedder.file, from, folder, combination);
    combination.card.embedders.push_back(std::move(embedder));
  }
  for (TrainedPeopleFile trained : from.trained_people) {
    trained.path = add_file(trained.path, from, folder, combination);
    combination.card.trained_people.push_back(std::move(trained));
  }
}

Licence both_licences(const Licence& first, const Licence& second) {
  const bool permissive =
      first.kind == LicenceKind::Permissive && second.kind == LicenceKind::Permissive;
  return {.label = first.label == second.label
                       ? first.label
                       : fmt::format("{} AND {}", first.label, second.label),
          .kind = permissive ? LicenceKind::Permissive : LicenceKind::NonCommercial,
          .text = first.text == second.text ? first.text : first.text + "\n" + second.text,
          .url = first.url};
}

/// The specification of a combination's card whose files still lie where they came from.
vision::PipelineSpec spec_in_place(const Combination& combination) {
  const auto located = [&](const fs::path& path) {
    for (size_t index = 0; index < combination.card.files.size(); ++index) {
      if (combination.card.files[index].path == path.generic_string()) {
        return fs::absolute(combination.sources[index]);
      }
    }
    return path;
  };
  const Card& card = combination.card;
  vision::PipelineSpec spec = pipeline_spec(card, ".");
  spec.detector.file = located(card.detector.file);
  if (spec.contour) spec.contour->file = located(card.contour->file);
  for (size_t index = 0; index < spec.embedders.size(); ++index) {
    spec.embedders[index].file = located(card.embedders[index].file);
  }
  for (size_t index = 0; index < spec.liveness.size(); ++index) {
    spec.liveness[index].file = located(card.liveness[index].file);
  }
  return spec;
}

}  // namespace

Result<Combination> plan_combination(const PackEntry& first, const PackEntry& second,
                                     const std::string& id) {
  const Card one = TRY(whole_card(first));
  const Card two = TRY(whole_card(second));
  if (needs_contour(two) && !one.contour) {
    return fail(ErrorCode::Conflict, "landmarks_differ",
                "{0} is aligned by 68 points, which {1} does not find: name {0} first", two.id,
                one.id);
  }
  Combination combination{.card = one, .sources = {}, .spec = {}};
  for (const PackFile& file : one.files) combination.sources.push_back(first.folder / file.path);
  add_embedders(two, second.folder, combination);
  Card& card = combination.card;
  card.id = id;
  card.name = fmt::format("{} with the embedder of {}", one.id, two.id);
  card.licence = both_licences(one.licence, two.licence);
  card.source = {.kind = SourceKind::None,
                 .note = fmt::format("Made by `faceforge packs combine {} {}`.", one.id, two.id)};
  card.measured_accuracy.reset();
  card.calibration.reset();
  card.quantization.reset();
  TRY(parse_card(to_text(card)));
  combination.spec = spec_in_place(combination);
  return combination;
}

Result<Card> write_combination(const Combination& combination, std::span<const EmbedderFit> fits,
                               face::Metric metric, const fs::path& folder) {
  CHECK(fits.size() == combination.card.embedders.size());
  NewPack made = TRY(NewPack::create(folder));
  Card card = combination.card;
  card.metric = metric;
  for (size_t index = 0; index < fits.size(); ++index) {
    card.embedders[index].output_mean = fits[index].output_mean;
    card.embedders[index].weight = fits[index].weight;
  }
  for (size_t index = 0; index < card.files.size(); ++index) {
    TRY(made.copy_in(combination.sources[index], card.files[index].path));
  }
  return made.finish(card);
}

}  // namespace faceforge::packs
