#include "evaluate/evaluation_markdown.h"

#include <fmt/format.h>

#include "evaluate/evaluation_tables.h"
#include "evaluate/report_text.h"

namespace faceforge::evaluate {
namespace {

std::string verification_text(const VerificationReport& verification) {
  const ComparisonCounts& counts = verification.counts;
  return fmt::format(
             "## Verification (1:1)\n\n"
             "{} pairs of one person and {} of two; of {} and {} a photo gave no embedding: they "
             "count as non-matches.\n\n",
             count_text(counts.total(PairKind::Genuine)),
             count_text(counts.total(PairKind::Impostor)),
             count_text(counts.failures(PairKind::Genuine)),
             count_text(counts.failures(PairKind::Impostor))) +
         markdown_table(curve_table(verification)) + markdown_table(fnmr_table(verification)) +
         fmt::format("Not measurable: fewer than {} impostor errors are expected at that rate.\n\n",
                     kErrorsBehindARate);
}

std::string identification_text(const IdentificationReport& identification) {
  return fmt::format(
             "## Identification (1:N)\n\n"
             "{} people enrolled, {} strangers; {} mated and {} non-mated searches in the largest "
             "gallery. {} people could not be enrolled, {} searched photos gave no embedding: "
             "misses.\n\n",
             identification.enrolled_person_count, identification.stranger_count,
             identification.mated_photo_count, identification.non_mated_photo_count,
             identification.failure_to_enroll_count, identification.failure_to_acquire_count) +
         markdown_table(open_set_table(identification)) +
         fmt::format(
             "Not measurable: fewer than {} searches for strangers are expected to pass.\n\n",
             kErrorsBehindARate) +
         markdown_table(closed_set_table(identification));
}

std::string conditions_text(const ConditionReport& conditions) {
  std::string text =
      fmt::format("## By quality and group\n\nAt one threshold for all: {:.4f} (FMR {}).\n\n",
                  conditions.match_threshold, promise_text(conditions.false_match_rate));
  for (const QualityErrors& errors : conditions.quality) {
    text += markdown_table(quality_table(errors));
  }
  for (const AttributeErrors& errors : conditions.attributes) {
    text += markdown_table(attribute_table(errors));
  }
  return text;
}

std::string pairs_text(const std::vector<SimilarPair>& pairs, const LabelledPhotos& photos,
                       std::string_view title) {
  if (pairs.empty()) return "";
  return fmt::format("### {}\n\n{}", title, markdown_table(pairs_table(pairs, photos)));
}

}  // namespace

std::string to_markdown(const EvaluationReport& report) {
  const LabelledPhotos& photos = report.photos;
  const CountedRate failures{static_cast<int64_t>(photos.failure_count()),
                             static_cast<int64_t>(photos.photos.size())};
  std::string text = fmt::format(
      "# {}: {} photos of {} people\n\nModel {:.12}, FaceForge {}, seed {}. {} photos gave no "
      "embedding (failure to acquire: {}).\n\n",
      markdown_text(report.model), photos.photos.size(), photos.people.size(),
      report.model_id.hex(), markdown_text(report.faceforge_version), report.seed,
      failures.error_count, rate_text(failures.rate()));
  if (report.verification) text += verification_text(*report.verification);
  if (report.identification) text += identification_text(*report.identification);
  if (report.embeddings) {
    text += "## Embeddings\n\n" + markdown_table(embeddings_table(*report.embeddings));
  }
  if (report.conditions) text += conditions_text(*report.conditions);
  if (report.verification) {
    text += pairs_text(report.verification->false_non_matches, photos,
                       "The least similar photos of one person");
    text += pairs_text(report.verification->false_matches, photos,
                       "The most similar photos of two people");
  }
  for (const std::string& note : report.notes) text += markdown_text(note) + "\n";
  return text;
}

}  // namespace faceforge::evaluate
