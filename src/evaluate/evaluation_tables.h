#pragma once

#include "evaluate/evaluation.h"
#include "evaluate/report_table.h"

namespace faceforge::evaluate {

// The figures of a report as tables, the same in Markdown and on its page.

/// EER, area and TAR, with their intervals over people.
[[nodiscard]] ReportTable curve_table(const VerificationReport& verification);

/// FNMR at each FMR, "not measurable" where too few impostors are behind it.
[[nodiscard]] ReportTable fnmr_table(const VerificationReport& verification);

/// FNIR at each FPIR, and misses at each rank, which need no threshold; a row a size of gallery.
[[nodiscard]] ReportTable open_set_table(const IdentificationReport& identification);
[[nodiscard]] ReportTable closed_set_table(const IdentificationReport& identification);

/// Retrieval and silhouette.
[[nodiscard]] ReportTable embeddings_table(const EmbeddingReport& embeddings);

[[nodiscard]] ReportTable quality_table(const QualityErrors& errors);
[[nodiscard]] ReportTable attribute_table(const AttributeErrors& errors);

[[nodiscard]] ReportTable pairs_table(const std::vector<SimilarPair>& pairs,
                                      const LabelledPhotos& photos);

/// The values of a bin for people: `90.3 to 94.4`.
[[nodiscard]] std::string range_text(const QualityBin& bin);

/// A measure of quality for people: `face size, px`.
[[nodiscard]] std::string measure_text(const QualityErrors& errors);

}  // namespace faceforge::evaluate
