#include "evaluate/model_comparison.h"

#include <gtest/gtest.h>

#include "evaluate/comparison_report.h"
#include "evaluate/evaluate_test_photos.h"

namespace faceforge::evaluate {
namespace {

std::vector<std::string> names_of(const LabelledPhotos& photos) {
  std::vector<std::string> names;
  for (const LabelledPhoto& photo : photos.photos) names.push_back(photo.name);
  return names;
}

/// A clear model, a blurred one, and the clear one again under another name.
struct Contest {
  ModelEmbeddings clear = by_photo("clear", crowd(40, 4, 0.7F, 1));
  ModelEmbeddings blurred = by_photo("blurred", crowd(40, 4, 1.6F, 2));
  ModelEmbeddings again = by_photo("again", crowd(40, 4, 0.7F, 1));
  ComparisonPlan plan = plan_all_pairs(names_of(crowd(40, 4, 0.7F, 1)), 1).value();
};

ComparisonReport compare(const std::vector<ModelEmbeddings>& models, const ComparisonPlan& plan,
                         Criterion criterion = Criterion::Auc) {
  return compare_models(models, plan, criterion, 1, {}).value();
}

TEST(ModelComparison, TheBetterModelIsNamedWhenItsLeadIsCertain) {
  const Contest contest;
  for (const auto criterion :
       {Criterion::Auc, Criterion::EqualErrorRate, Criterion::TrueAcceptRate}) {
    const auto report = compare({contest.blurred, contest.clear}, contest.plan, criterion);
    EXPECT_EQ(report.models.front().name, "clear");
    EXPECT_TRUE(report.leader_is_best);
    ASSERT_EQ(report.leads.size(), 1);
    EXPECT_GT(report.leads[0].ahead->auc.low, 0);
    EXPECT_GT(report.leads[0].ahead->equal_error_rate.low, 0);
    EXPECT_DOUBLE_EQ(report.lead_confidence, 0.95);
    EXPECT_NE(verdict_of(report).find("clear is best"), std::string::npos);
  }
}

// The same embeddings: every paired difference is exactly zero, however wide either interval is.
TEST(ModelComparison, EqualModelsAreNotTold) {
  const Contest contest;
  const auto report = compare({contest.clear, contest.again, contest.blurred}, contest.plan);
  EXPECT_EQ(report.models[1].name, "again");
  EXPECT_FALSE(report.leader_is_best);
  EXPECT_EQ(report.leads[0].ahead->auc.low, 0);
  EXPECT_EQ(report.leads[0].ahead->auc.high, 0);
  EXPECT_LT(report.models[0].intervals->auc.low, report.models[0].intervals->auc.high);
  EXPECT_DOUBLE_EQ(report.lead_confidence, 0.975);  // two leads hold together at 95 %
  EXPECT_EQ(to_json(report).at("best"), nullptr);
  EXPECT_NE(verdict_of(report).find("clear and again are equal"), std::string::npos);
}

TEST(ModelComparison, ALeadThatMayBeChanceIsCalledSo) {
  const auto report =
      compare({by_photo("one", crowd(6, 3, 1.3F, 1)), by_photo("other", crowd(6, 3, 1.3F, 9))},
              plan_all_pairs(names_of(crowd(6, 3, 1.3F, 1)), 1).value());
  EXPECT_FALSE(report.leader_is_best);
  EXPECT_NE(verdict_of(report).find("No model is certainly best"), std::string::npos);
}

TEST(ModelComparison, AModelThatLosesPhotosLosesByThem) {
  Contest contest;
  for (const auto& name : {"P0/0.jpg", "P1/0.jpg", "P2/0.jpg", "P3/0.jpg", "P4/0.jpg"}) {
    contest.again.by_photo.erase(name);
  }
  const auto report = compare({contest.again, contest.clear}, contest.plan);
  EXPECT_EQ(report.models.front().name, "clear");
  EXPECT_EQ(report.models.back().failure_count, 5);
  EXPECT_LT(report.models.back().curve.auc, report.models.front().curve.auc);
}

TEST(ModelComparison, AGalleryAndATestFolderAreComparedAcross) {
  const LabelledPhotos photos = crowd(10, 2, 0.5F, 1);
  std::vector<std::string> gallery;
  std::vector<std::string> test;
  for (const auto& name : names_of(photos)) {
    gallery.push_back("gallery:" + name);
    test.push_back("test:" + name);
  }
  const ComparisonPlan plan = plan_cross_pairs(gallery, test, 1).value();
  EXPECT_EQ(plan.person_count, 10);
  EXPECT_EQ(plan.pairs.photos.size(), 400);
  ModelEmbeddings model = by_photo("m", photos, "gallery:");
  model.by_photo.merge(by_photo("m", photos, "test:").by_photo);
  const auto report = compare({model, model}, plan);
  EXPECT_EQ(report.genuine_pair_count, 40);
  EXPECT_EQ(report.models[0].failure_count, 0);
}

TEST(ModelComparison, AListsPairsAreTakenAsTheyAre) {
  const auto list = parse_pair_list("1\t2\nAnn\t1\t2\nBob\t1\t2\nAnn\t1\tBob\t1\nAnn\t2\tBob\t1\n");
  const ComparisonPlan plan = plan_listed_pairs(list.value()).value();
  EXPECT_EQ(plan.photos, (std::vector<std::string>{"Ann/1", "Ann/2", "Bob/1", "Bob/2"}));
  EXPECT_EQ(plan.person_count, 2);
  EXPECT_EQ(plan.pairs.people[2].kind, PairKind::Impostor);
}

TEST(ModelComparison, WhatCannotBeComparedIsRefused) {
  const Contest contest;
  const auto reason = [&](const std::vector<ModelEmbeddings>& models, Criterion criterion,
                          const ComparisonPlan& plan) {
    return compare_models(models, plan, criterion, 1, {}).error().reason;
  };
  EXPECT_EQ(reason({contest.clear}, Criterion::Auc, contest.plan), "too_few_models");
  EXPECT_EQ(reason({contest.clear, {.name = "empty"}}, Criterion::Auc, contest.plan),
            "no_common_photos");
  const auto few = crowd(3, 2, 0.5F, 1);
  const auto plan = plan_all_pairs(names_of(few), 1).value();
  EXPECT_EQ(reason({by_photo("a", few), by_photo("b", few)}, Criterion::TrueAcceptRate, plan),
            "too_few_impostor_pairs");
  EXPECT_EQ(plan_all_pairs(names_of(crowd(1, 3, 0.5F, 1)), 1).error().reason, "too_few_pairs");
  EXPECT_EQ(criterion_from("best").error().reason, "criterion_unknown");
  EXPECT_EQ(criterion_from("tar").value(), Criterion::TrueAcceptRate);
}

TEST(ModelComparison, AStopEndsIt) {
  const Contest contest;
  std::stop_source source;
  source.request_stop();
  const auto stopped =
      compare_models(std::vector{contest.clear, contest.blurred}, contest.plan, Criterion::Auc, 1,
                     {.report = {}, .stop = source.get_token()});
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

TEST(ComparisonReport, NamesOfModelsCannotLeaveTheirPlace) {
  const Contest contest;
  ModelEmbeddings odd = contest.blurred;
  odd.name = "<b>|x";
  const auto report = compare({contest.clear, odd}, contest.plan);
  EXPECT_NE(to_markdown(report).find("\\<b\\>\\|x"), std::string::npos);
  const std::string page = comparison_page(report, "draw()");
  EXPECT_EQ(page.find("<b>|x"), std::string::npos);
  EXPECT_NE(page.find("<script>draw()</script>"), std::string::npos);
}

}  // namespace
}  // namespace faceforge::evaluate
