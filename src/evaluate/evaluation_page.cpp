#include "evaluate/evaluation_page.h"

#include <mutex>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/file.h"
#include "base/html_page.h"
#include "evaluate/evaluation_plots.h"
#include "evaluate/evaluation_tables.h"
#include "evaluate/plot_page.h"
#include "evaluate/report_text.h"
#include "image/encode.h"
#include "vision/central_face.h"

namespace faceforge::evaluate {
namespace {

/// Of no errors their number, and what the rate is below.
std::string rate_figure(std::string_view name, const CountedRate& rate, std::string_view more) {
  const bool any = rate.error_count > 0;
  const std::string value = any ? rate_text(rate.rate()) : "0 of " + count_text(rate.trial_count);
  const std::string limit = any ? "" : "below " + rate_text(rule_of_three(rate.trial_count)) + ", ";
  return key_figure(name, value, limit + std::string(more));
}

std::string verification_figures(const VerificationReport& verification) {
  const auto& of = verification.intervals;
  std::string html = key_figure("Equal error rate", rate_text(verification.curve.equal_error_rate),
                                of ? interval_text(of->equal_error_rate) : "");
  const auto rate = rarest_measured(verification.fnmr_at_fmr);
  if (!rate) return html;
  const CountedRate& misses = rate->measured->false_non_matches;
  return html + rate_figure("FNMR at FMR " + promise_text(rate->false_match_rate), misses,
                            misses.error_count > 0 ? interval_text(misses.interval())
                                                   : "of pairs of one person");
}

std::string identification_figures(const IdentificationReport& identification) {
  std::string html;
  const GallerySizeResult& largest = identification.sizes.back();
  for (const FnirAtFpir& rate : largest.rates) {
    if (!rate.measured || rate.false_positive_identification_rate < 1e-2) continue;
    html += rate_figure("FNIR at FPIR " + promise_text(rate.false_positive_identification_rate),
                        rate.measured->false_negatives,
                        fmt::format("among {} people", largest.person_count));
  }
  return html +
         rate_figure("Rank-1 misses", largest.rank_misses.front(),
                     fmt::format("among {} people, whatever the threshold", largest.person_count));
}

std::string key_figures(const EvaluationReport& report) {
  std::string html = "<div class=\"figures\">\n";
  if (report.verification) html += verification_figures(*report.verification);
  if (report.embeddings) {
    const CountedRate& misses = report.embeddings->retrieval.misses_at_rank_1;
    html += rate_figure("Nearest is somebody else", misses,
                        fmt::format("among {} photos", count_text(misses.trial_count)));
  }
  if (report.identification) html += identification_figures(*report.identification);
  const CountedRate failures{static_cast<int64_t>(report.photos.failure_count()),
                             static_cast<int64_t>(report.photos.photos.size())};
  html += rate_figure("Failure to acquire", failures,
                      fmt::format("{} photos", count_text(failures.trial_count)));
  return html + "</div>\n";
}

std::string verification_section(const VerificationReport& verification) {
  const ComparisonCounts& counts = verification.counts;
  const auto det = det_plot(verification);
  return fmt::format(
             "<section><h2>Verification: is it the same person?</h2>\n"
             "<p>{} pairs of photos of one person and {} of two people. A threshold that lets "
             "fewer strangers pass (FMR, to the left) turns more of the right ones away (FNMR, "
             "up).</p>\n",
             count_text(counts.total(PairKind::Genuine)),
             count_text(counts.total(PairKind::Impostor))) +
         "<div class=\"plots\">" +
         (det ? html_plot(*det, "DET curve: FNMR against FMR")
              : "<p>No threshold has errors of both kinds: there is no DET curve to draw.</p>\n") +
         html_plot(roc_plot(verification), "ROC curve: TAR against FMR") +
         "</div>\n<h3>How similar they are</h3>\n" +
         html_plot(similarity_plot(verification),
                   "Histograms of the similarities of one person's and of two people's photos") +
         "<h3>What a promise costs</h3>\n<div class=\"tables\">\n" +
         html_table(fnmr_table(verification)) + html_table(curve_table(verification)) + "</div>\n" +
         fmt::format(
             "<p class=\"quiet\">Not measurable: fewer than {} impostor errors are expected. "
             "Pairs whose photo gave no embedding count as non-matches ({} and {}).</p>\n",
             kErrorsBehindARate, count_text(counts.failures(PairKind::Genuine)),
             count_text(counts.failures(PairKind::Impostor))) +
         "</section>\n";
}

std::string identification_section(const IdentificationReport& identification) {
  bool any_measured = false;
  for (const GallerySizeResult& size : identification.sizes) {
    for (const FnirAtFpir& rate : size.rates) any_measured = any_measured || rate.measured;
  }
  // Of one size there is no line, and the table says it all.
  const std::string plot = any_measured && identification.sizes.size() > 1
                               ? html_plot(identification_plot(identification),
                                           "FNIR against the number of people in the gallery")
                               : "";
  return fmt::format(
             "<section><h2>Identification: who of the gallery is it?</h2>\n"
             "<p>{} people enrolled with up to three photos, {} strangers. {} photos of enrolled "
             "people and {} of strangers were searched for in the largest gallery. Missed (FNIR): "
             "not named, or somebody else was.</p>\n{}",
             identification.enrolled_person_count, identification.stranger_count,
             identification.mated_photo_count, identification.non_mated_photo_count, plot) +
         "<div class=\"tables\">\n<div><h3>With a promise (open set)</h3>\n" +
         html_table(open_set_table(identification)) +
         "</div>\n<div><h3>Without a threshold (closed set)</h3>\n" +
         html_table(closed_set_table(identification)) + "</div></div>\n" +
         fmt::format(
             "<p class=\"quiet\">Not measurable: fewer than {} searches for strangers are "
             "expected to pass.</p>\n</section>\n",
             kErrorsBehindARate);
}

std::string embeddings_section(const EmbeddingReport& embeddings, const LabelledPhotos& photos) {
  std::string html = "<section><h2>Embeddings: who lies near whom?</h2>\n";
  if (!embeddings.map.empty()) {
    std::set<uint32_t> people;
    for (const auto& mapped : embeddings.map) {
      people.insert(photos.photos[mapped.photo_index].person_index);
    }
    html += fmt::format(
        "<p>{} photos of the {} people with the most photos, a colour and shape a person; point at "
        "one to see the others of the same person, drag, or turn the wheel with Shift, to look "
        "closer, and click twice to "
        "look at all again. Only "
        "who is a neighbour means something, not how far apart groups are (t-SNE).</p>\n{}",
        embeddings.map.size(), people.size(),
        html_plot(map_plot(embeddings.map, photos), "Map of the photos by their embeddings"));
  }
  return html + html_table(embeddings_table(embeddings)) + "</section>\n";
}

std::string conditions_section(const ConditionReport& conditions) {
  if (conditions.quality.empty() && conditions.attributes.empty()) return "";
  std::string html = fmt::format(
      "<section><h2>By quality and group</h2>\n<p>At one threshold for all, {:.4f} (FMR {}). A "
      "pair is as good as its worse photo; quarters of the photos.</p>\n<div class=\"plots\">",
      conditions.match_threshold, promise_text(conditions.false_match_rate));
  for (const QualityErrors& errors : conditions.quality) {
    html += html_plot(quality_plot(errors), "FNMR by " + measure_text(errors));
  }
  html += "</div>\n";
  for (const AttributeErrors& errors : conditions.attributes) {
    html += "<h3>" + html_text(errors.attribute) + "</h3>\n" +
            html_plot(attribute_plot(errors), "FNMR and FMR by " + errors.attribute) +
            html_table(attribute_table(errors));
  }
  return html + "</section>\n";
}

std::string picture(const PagePictures& pictures, size_t photo, const LabelledPhotos& photos) {
  const auto found = pictures.find(photo);
  if (found == pictures.end()) return "";
  return fmt::format("<img alt=\"{}\" src=\"{}\">", html_text(photos.photos[photo].name),
                     found->second);
}

std::string pairs_section(const EvaluationReport& report, const PagePictures& pictures) {
  const auto list = [&](const std::vector<SimilarPair>& pairs) {
    std::string html = "<div class=\"pairs\">\n";
    for (const auto& [first, second, similarity] : pairs) {
      html += fmt::format(
          "<figure><span>{}{}</span><figcaption><b>{:.3f}</b> {} &middot; "
          "{}</figcaption></figure>\n",
          picture(pictures, first, report.photos), picture(pictures, second, report.photos),
          similarity, html_text(report.photos.photos[first].name),
          html_text(report.photos.photos[second].name));
    }
    return html + "</div>\n";
  };
  const VerificationReport& verification = *report.verification;
  return "<section><h2>The worst errors</h2>\n<p>Look whether the names are right before you blame "
         "the model.</p>\n<h3>One person, and least similar</h3>\n" +
         list(verification.false_non_matches) + "<h3>Two people, and most similar</h3>\n" +
         list(verification.false_matches) + "</section>\n";
}

/// The words that the report's parts use.
std::string terms(const EvaluationReport& report) {
  std::string html = "<section><h2>What the words mean</h2>\n<p>";
  if (report.verification) {
    html +=
        "<b>FMR</b>, false match rate: how often two people pass for one. <b>FNMR</b>, false "
        "non-match rate: how often one person is not recognized. <b>EER</b>: where the two are "
        "equal. ";
  }
  if (report.identification) {
    html +=
        "<b>FPIR</b>, false positive identification rate: how often a stranger is taken for "
        "somebody of the gallery. <b>FNIR</b>, false negative identification rate: how often "
        "somebody of the gallery is not named. <b>Rank-K miss</b>: the right one is not among the "
        "K nearest. ";
  }
  html +=
      "<b>Failure to acquire</b>: a photo without an embedding; its comparisons are errors here. "
      "Terms as in ISO/IEC 19795-1 and NIST FRTE.</p>\n<p class=\"quiet\">Intervals hold 95 of 100 "
      "times: ";
  if (report.verification) html += "of EER, area and TAR over people drawn again, ";
  return html +
         "of counted rates by Clopper and Pearson, which takes comparisons for independent. Those "
         "that share a person are not: there they are somewhat too narrow.</p></section>\n";
}

}  // namespace

Result<PagePictures> pictures_of(const EvaluationReport& report, const vision::Pipeline& pipeline,
                                 const std::filesystem::path& images,
                                 const Supervision& supervision) {
  constexpr int kJpegQuality = 80;
  PagePictures pictures;
  if (!report.verification) return pictures;
  std::set<size_t> wanted;
  for (const auto* pairs :
       {&report.verification->false_non_matches, &report.verification->false_matches}) {
    for (const SimilarPair& pair : *pairs) wanted.insert({pair.first_photo, pair.second_photo});
  }
  const std::vector<size_t> order(wanted.begin(), wanted.end());
  const auto crop_of = [&](size_t photo) -> Result<std::string> {
    const image::DecodeLimits limits;
    const auto bytes = TRY(read_file(images / report.photos.photos[photo].name, limits.bytes));
    const auto central = TRY(vision::find_central_face(pipeline, bytes, limits));
    if (!central) return fail(ErrorCode::NotFound, "no_face_found", "no face");
    const auto jpeg = TRY(image::encode_jpeg(central->aligned.crops.front().pixels, kJpegQuality));
    return data_url("image/jpeg", jpeg);
  };
  std::mutex mutex;
  const auto work = [&](size_t index) {
    auto crop = crop_of(order[index]);
    const std::scoped_lock lock(mutex);
    if (crop) pictures.emplace(order[index], std::move(*crop));
  };
  TRY(work_through(order.size(), work, every_core(), supervision));
  return pictures;
}

std::string evaluation_page(const EvaluationReport& report, const PagePictures& pictures,
                            std::string_view plot_script) {
  std::string body = fmt::format(
      "<h1>{}: {} photos of {} people</h1>\n<p class=\"quiet\">Model {:.12}, FaceForge {}, seed "
      "{}</p>\n",
      html_text(report.model), count_text(static_cast<int64_t>(report.photos.photos.size())),
      count_text(static_cast<int64_t>(report.photos.people.size())), report.model_id.hex(),
      html_text(report.faceforge_version), report.seed);
  body += key_figures(report);
  for (const std::string& note : report.notes) body += "<p>" + html_text(note) + "</p>\n";
  if (report.verification) body += verification_section(*report.verification);
  if (report.identification) body += identification_section(*report.identification);
  if (report.embeddings) body += embeddings_section(*report.embeddings, report.photos);
  if (report.conditions) body += conditions_section(*report.conditions);
  if (report.verification) body += pairs_section(report, pictures);
  body += terms(report);
  return plot_page(report.model + ": evaluation", body, plot_script);
}

}  // namespace faceforge::evaluate
