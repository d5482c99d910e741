#include "evaluate/evaluation.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "evaluate/evaluate_test_photos.h"
#include "evaluate/evaluation_json.h"
#include "evaluate/evaluation_markdown.h"
#include "evaluate/evaluation_page.h"
#include "evaluate/evaluation_plots.h"

namespace faceforge::evaluate {
namespace {

Supervision unsupervised(std::string_view) {
  return {};
}

/// 30 people with 4 photos each, two of which have no face; one attribute parts the people.
EvaluationReport evaluated(const EvaluationOptions& options = {}) {
  LabelledPhotos photos = crowd(30, 4, 0.9F, 4);
  photos.photos[0].embedding.reset();
  photos.photos[1].embedding.reset();
  return evaluate_photos(std::move(photos), options, unsupervised).value();
}

EvaluationOptions with_attribute() {
  AttributeGroups halves{.attribute = "<half>", .groups = {"left", "right"}};
  for (uint32_t photo = 0; photo < 120; ++photo) halves.group_of_photo.emplace_back(photo % 2);
  return {.attributes = {halves}};
}

// 30 * 6 pairs of one person; of the first person with two photos lost 1 is left. 120 * 119 / 2
// less 180 pairs of two people; the two lost photos take 2 * 116 of them.
TEST(Evaluation, PairsOfPhotosWithoutAnEmbeddingCountAsFailed) {
  const EvaluationReport report = evaluated();
  const ComparisonCounts& counts = report.verification->counts;
  EXPECT_EQ(counts.total(PairKind::Genuine), 180);
  EXPECT_EQ(counts.failures(PairKind::Genuine), 5);
  EXPECT_EQ(counts.total(PairKind::Impostor), 6960);
  EXPECT_EQ(counts.failures(PairKind::Impostor), 232);
  const CountedRate& rank_1 = report.embeddings->retrieval.misses_at_rank_1;
  EXPECT_EQ(rank_1.trial_count, 120);
  EXPECT_GE(rank_1.error_count, 2);
  EXPECT_TRUE(report.identification.has_value());
  EXPECT_EQ(report.embeddings->map.size(), 118);
}

TEST(Evaluation, TheIntervalHoldsWhatWasMeasured) {
  const VerificationReport verification = *evaluated().verification;
  EXPECT_FALSE(verification.intervals->auc.excludes(verification.curve.auc));
  EXPECT_FALSE(
      verification.intervals->equal_error_rate.excludes(verification.curve.equal_error_rate));
}

// The exact similarities of the made people, sorted.
TEST(Evaluation, TheWorstPairsAreThoseThatStandOutMost) {
  const EvaluationReport report = evaluated();
  std::vector<float> genuine;
  std::vector<float> impostors;
  for (size_t a = 0; a < 120; ++a) {
    for (size_t b = a + 1; b < 120; ++b) {
      const auto& first = report.photos.photos[a];
      const auto& second = report.photos.photos[b];
      if (!first.embedding || !second.embedding) continue;
      (first.person_index == second.person_index ? genuine : impostors)
          .push_back(face::similarity(*first.embedding, *second.embedding).value());
    }
  }
  std::ranges::sort(genuine);
  std::ranges::sort(impostors, std::greater{});
  const VerificationReport& verification = *report.verification;
  ASSERT_EQ(verification.false_non_matches.size(), kWorstPairs);
  for (size_t i = 0; i < kWorstPairs; ++i) {
    EXPECT_EQ(verification.false_non_matches[i].similarity, genuine[i]);
    EXPECT_EQ(verification.false_matches[i].similarity, impostors[i]);
  }
}

TEST(Evaluation, WhatIsNotMeasurableIsSaidAndTheRestIsThere) {
  const auto report =
      evaluate_photos(photos_of_people({{{1, 0}, {0.9F, 0.1F}}, {{0, 1}}}), {}, unsupervised)
          .value();
  EXPECT_FALSE(report.identification.has_value());
  EXPECT_FALSE(report.conditions.has_value());
  ASSERT_EQ(report.notes.size(), 2);
  EXPECT_NE(report.notes[1].find("Identification"), std::string::npos);
  EXPECT_NE(to_markdown(report).find("not measurable"), std::string::npos);
  EXPECT_NE(evaluation_page(report, {}, "").find("there is no DET curve to draw"),
            std::string::npos);
}

TEST(Evaluation, TooFewPairsAreRefused) {
  const auto reason = [](LabelledPhotos photos, EvaluationScope scope) {
    return evaluate_photos(std::move(photos), {.scope = scope}, unsupervised).error().reason;
  };
  EXPECT_EQ(reason(crowd(3, 1, 0.5F, 1), EvaluationScope::Everything), "too_few_pairs");
  EXPECT_EQ(reason(crowd(1, 3, 0.5F, 1), EvaluationScope::Everything), "too_few_pairs");
  EXPECT_EQ(reason(crowd(1, 3, 0.5F, 1), EvaluationScope::IdentificationOnly), "too_few_people");
}

TEST(Evaluation, AStopEndsIt) {
  std::stop_source source;
  source.request_stop();
  const auto stopped = evaluate_photos(crowd(4, 3, 0.5F, 1), {}, [&](std::string_view) {
    return Supervision{.report = {}, .stop = source.get_token()};
  });
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

TEST(EvaluationJson, HoldsEveryPartAndNoEmbedding) {
  const json::object written = to_json(evaluated(with_attribute()));
  for (const char* part : {"verification", "embeddings", "conditions", "identification"}) {
    EXPECT_TRUE(written.contains(part)) << part;
  }
  EXPECT_EQ(written.at("failures_to_acquire").as_array().size(), 2);
  const auto& rates = written.at("verification").as_object().at("fnmr_at_fmr").as_array();
  ASSERT_EQ(rates.size(), 6);
  EXPECT_TRUE(rates[1].as_object().at("measurable").as_bool());
  EXPECT_FALSE(rates[3].as_object().contains("fnmr"));
  EXPECT_LT(json::to_text(written).size(), 120'000);
  const json::object alone = to_json(evaluated({.scope = EvaluationScope::IdentificationOnly}));
  EXPECT_FALSE(alone.contains("verification"));
  EXPECT_TRUE(alone.contains("identification"));
}

TEST(EvaluationPage, HoldsPlotsAndPicturesAndForeignTextStaysText) {
  EvaluationReport report = evaluated(with_attribute());
  report.model = "<pack>";
  const SimilarPair worst = report.verification->false_matches.front();
  const std::string page =
      evaluation_page(report, {{worst.first_photo, "data:image/jpeg;base64,AAAA"}}, "draw()");
  EXPECT_EQ(page.find("<pack>"), std::string::npos);
  EXPECT_EQ(page.find("<half>"), std::string::npos);
  EXPECT_NE(page.find("src=\"data:image/jpeg;base64,AAAA\""), std::string::npos);
  size_t plot_count = 0;
  for (size_t at = page.find("<figure data-plot"); at != std::string::npos;
       at = page.find("<figure data-plot", at + 1)) {
    ++plot_count;
  }
  // DET, ROC, similarities, map, one attribute; 60 searches for strangers measure no FPIR.
  EXPECT_EQ(plot_count, 5);
  for (const char* address : {"http:", "https:", "href=", "@import"}) {
    EXPECT_EQ(page.find(address), std::string::npos) << address;
  }
}

TEST(EvaluationPage, ExplainsTheWordsOfItsPartsAlone) {
  const auto explains = [](const EvaluationReport& report, std::string_view word) {
    return evaluation_page(report, {}, "").find(fmt::format("<b>{}</b>", word)) !=
           std::string::npos;
  };
  const EvaluationReport whole = evaluated();
  const EvaluationReport alone = evaluated({.scope = EvaluationScope::IdentificationOnly});
  for (const char* word : {"FMR", "EER"}) {
    EXPECT_TRUE(explains(whole, word)) << word;
    EXPECT_FALSE(explains(alone, word)) << word;
  }
  for (const char* word : {"FPIR", "FNIR", "Rank-K miss"}) {
    EXPECT_TRUE(explains(whole, word)) << word;
    EXPECT_TRUE(explains(alone, word)) << word;
  }
}

TEST(IdentificationPlot, EqualRatesOfOneSizeLieBesideEachOther) {
  const CountedRate none{.error_count = 0, .trial_count = 40};
  GallerySizeResult size{.person_count = 50, .gallery_count = 1};
  for (const double rate : kFalsePositiveIdentificationRates) {
    size.rates.push_back({.false_positive_identification_rate = rate,
                          .measured = SearchErrors{.false_negatives = none}});
  }
  size.rates.back().measured.reset();
  const json::object plot = identification_plot({.sizes = {size}});
  const json::array& rows = plot.at("data").as_object().at("values").as_array();
  ASSERT_EQ(rows.size(), 2) << "what is not measurable is not drawn";
  const auto number = [&](size_t row, std::string_view field) {
    return rows[row].as_object().at(field).to_number<double>();
  };
  EXPECT_EQ(number(0, "people"), number(1, "people"));
  EXPECT_LT(number(0, "place"), number(1, "place"));
  for (const size_t row : {0U, 1U}) EXPECT_NEAR(number(row, "place"), 50, 1);
  EXPECT_NEAR(number(0, "place") + number(1, "place"), 100, 1e-9) << "around the size";
}

}  // namespace
}  // namespace faceforge::evaluate
