#include "evaluate/comparison_report.h"

#include <cmath>

#include <fmt/format.h>

#include "base/html_page.h"
#include "evaluate/evaluation_json.h"
#include "evaluate/evaluation_plots.h"
#include "evaluate/plot_page.h"
#include "evaluate/report_table.h"
#include "evaluate/report_text.h"

namespace faceforge::evaluate {
namespace {

json::value optional_json(const std::optional<CurveIntervals>& intervals,
                          const ComparisonReport& report) {
  if (!intervals) return nullptr;
  return to_json(*intervals, report.false_match_rates);
}

json::object model_json(const ComparedModel& model, const ComparisonReport& report) {
  json::object tar;
  for (size_t index = 0; index < report.false_match_rates.size(); ++index) {
    tar[fmt::format("{}", report.false_match_rates[index])] = model.curve.true_accept_rates[index];
  }
  return {{"model", model.name},
          {"model_id", model.model_id.hex()},
          {"failures_to_acquire", model.failure_count},
          {"auc", model.curve.auc},
          {"equal_error_rate", model.curve.equal_error_rate},
          {"tar_at_fmr", std::move(tar)},
          {"intervals", optional_json(model.intervals, report)}};
}

std::string auc_text(double value, const std::optional<Interval>& interval) {
  std::string text = fmt::format("{:.5f}", value);
  if (interval) text += fmt::format(" ({:.5f} to {:.5f})", interval->low, interval->high);
  return text;
}

std::string share_text(double value, const std::optional<Interval>& interval) {
  return interval ? rate_text(value) + " " + interval_text(*interval) : rate_text(value);
}

std::vector<std::string> model_row(const ComparedModel& model, const ComparisonReport& report) {
  const auto& of = model.intervals;
  std::vector<std::string> row{
      model.name, auc_text(model.curve.auc, of ? std::optional(of->auc) : std::nullopt),
      share_text(model.curve.equal_error_rate,
                 of ? std::optional(of->equal_error_rate) : std::nullopt)};
  for (size_t index = 0; index < report.false_match_rates.size(); ++index) {
    row.push_back(share_text(model.curve.true_accept_rates[index],
                             of ? std::optional(of->true_accept_rates[index]) : std::nullopt));
  }
  row.push_back(fmt::format("{}", model.failure_count));
  return row;
}

std::string points_text(const Interval& interval) {
  const auto points = [](double share) { return std::round(1e4 * share) / 100 + 0.0; };  // no -0
  return fmt::format("{:+.2f} to {:+.2f} points", points(interval.low), points(interval.high));
}

std::vector<std::string> lead_row(const Lead& lead, const ComparisonReport& report) {
  std::vector<std::string> row{report.models[lead.other_index].name};
  if (!lead.ahead) {
    row.resize(3 + report.false_match_rates.size(), "too few people");
    return row;
  }
  row.push_back(fmt::format("{:+.5f} to {:+.5f}", lead.ahead->auc.low, lead.ahead->auc.high));
  row.push_back(points_text(lead.ahead->equal_error_rate));
  for (const Interval& interval : lead.ahead->true_accept_rates) {
    row.push_back(points_text(interval));
  }
  return row;
}

struct Tables {
  ReportTable models{.titles = {"model", "AUC (95 % interval)", "EER"}};
  ReportTable leads{.titles = {"over", "AUC", "EER"}};
};

Tables tables_of(const ComparisonReport& report) {
  Tables tables;
  for (const double rate : report.false_match_rates) {
    tables.models.titles.push_back("TAR at FMR " + promise_text(rate));
    tables.leads.titles.push_back(tables.models.titles.back());
  }
  tables.models.titles.emplace_back("failures to acquire");
  for (const ComparedModel& model : report.models) {
    tables.models.rows.push_back(model_row(model, report));
  }
  for (const Lead& lead : report.leads) tables.leads.rows.push_back(lead_row(lead, report));
  return tables;
}

std::string method_of(const ComparisonReport& report) {
  return fmt::format(
      "{} pairs of one person and {} of two, of {} photos of {} people, the same for every model; "
      "95 % intervals over people, seed {}.",
      count_text(report.genuine_pair_count), count_text(report.impostor_pair_count),
      report.photo_count, report.person_count, report.seed);
}

std::string lead_title(const ComparisonReport& report) {
  return fmt::format("How far {} is ahead (paired, {:.4g} % intervals)", report.models.front().name,
                     100 * report.lead_confidence);
}

}  // namespace

std::string verdict_of(const ComparisonReport& report) {
  const std::string& leader = report.models.front().name;
  if (report.leader_is_best) {
    return fmt::format("{} is best by {}: its lead over every other model excludes zero.", leader,
                       criterion_text(report));
  }
  const ComparedModel& second = report.models[1];
  if (figure_of(report.models.front().curve, report.criterion) ==
      figure_of(second.curve, report.criterion)) {
    return fmt::format("No model is best by {}: on these photos {} and {} are equal.",
                       criterion_text(report), leader, second.name);
  }
  return fmt::format(
      "No model is certainly best by {}: {} leads, and on these photos its lead over another one "
      "may be chance.",
      criterion_text(report), leader);
}

json::object to_json(const ComparisonReport& report) {
  json::array models;
  for (const ComparedModel& model : report.models) models.push_back(model_json(model, report));
  json::array leads;
  for (const Lead& lead : report.leads) {
    leads.push_back(json::object{{"over", report.models[lead.other_index].name},
                                 {"ahead", optional_json(lead.ahead, report)}});
  }
  return {{"images", report.photo_count},
          {"people", report.person_count},
          {"genuine_pairs", report.genuine_pair_count},
          {"impostor_pairs", report.impostor_pair_count},
          {"seed", report.seed},
          {"by", to_string(report.criterion)},
          {"best",
           report.leader_is_best ? json::value(report.models.front().name) : json::value(nullptr)},
          {"models", std::move(models)},
          {"lead_confidence", report.lead_confidence},
          {"leads", std::move(leads)}};
}

std::string to_markdown(const ComparisonReport& report) {
  const Tables tables = tables_of(report);
  return fmt::format("# {}\n\n{}\n\n{}{}:\n\n{}", markdown_text(verdict_of(report)),
                     method_of(report), markdown_table(tables.models),
                     markdown_text(lead_title(report)), markdown_table(tables.leads));
}

std::string comparison_page(const ComparisonReport& report, std::string_view plot_script) {
  const Tables tables = tables_of(report);
  const std::string body = fmt::format(
      "<h1>{}</h1>\n<p class=\"quiet\">{}</p>\n<section><h2>The models</h2>\n{}{}</section>\n"
      "<section><h2>{}</h2>\n<p>All models met the same photos and, in every draw, the same "
      "people: a lead whose interval excludes zero is no chance.</p>\n{}</section>\n",
      html_text(verdict_of(report)), method_of(report),
      html_plot(models_plot(report), criterion_text(report) + " of every model"),
      html_table(tables.models), html_text(lead_title(report)), html_table(tables.leads));
  return plot_page("Comparison of models", body, plot_script);
}

}  // namespace faceforge::evaluate
