#include "evaluate/evaluation_plots.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "evaluate/evaluation_tables.h"
#include "evaluate/report_text.h"

namespace faceforge::evaluate {
namespace {

/// A specification that is written in this file, with its data.
json::object with_data(std::string_view specification, json::array rows) {
  auto parsed = json::parse(specification);
  CHECK(parsed.has_value());
  json::object plot = std::move(parsed->as_object());
  plot["data"] = json::object{{"values", std::move(rows)}};
  return plot;
}

json::object& axis_of(json::object& plot) {
  return plot["encoding"].as_object()["x"].as_object()["axis"].as_object();
}

json::object point(double x, double y) {
  return {{"fmr", x}, {"fnmr", y}, {"tar", 1 - y}};
}

/// The curve, and the reported rates with their intervals.
json::array curve_rows(const VerificationReport& verification) {
  json::array rows;
  for (const CurvePoint& of : det_curve(verification.counts)) {
    if (of.false_match_rate <= 0) continue;  // nothing to show on a logarithmic axis
    json::object row = point(of.false_match_rate, of.false_non_match_rate);
    row["threshold"] = json::number(of.match_threshold);
    rows.push_back(std::move(row));
  }
  for (const FnmrAtFmr& rate : verification.fnmr_at_fmr) {
    if (!rate.measured) continue;
    json::object row = point(rate.false_match_rate, rate.measured->false_non_matches.rate());
    const Interval interval = rate.measured->false_non_matches.interval();
    row["low"] = interval.low;
    row["high"] = interval.high;
    row["threshold"] = json::number(rate.measured->match_threshold);
    row["reported"] = true;
    rows.push_back(std::move(row));
  }
  return rows;
}

constexpr std::string_view kDet = R"json({
  "height": 300,
  "transform": [{"filter": "datum.fnmr > 0"}],
  "encoding": {
    "x": {"field": "fmr", "type": "quantitative", "scale": {"type": "log", "nice": false},
      "axis": {"title": "FMR", "labelExpr": "datum.value == 1 ? '1' : datum.label",
        "format": ".0e", "labelOverlap": true, "values": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]}},
    "y": {"field": "fnmr", "type": "quantitative", "scale": {"type": "log", "nice": false},
      "axis": {"title": "FNMR", "format": ".0e", "values": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]}}
  },
  "layer": [
    {"transform": [{"filter": "!datum.reported"}],
     "mark": {"type": "line", "color": "@first", "strokeWidth": 2.5}},
    {"transform": [{"filter": "datum.reported && datum.low > 0"}],
     "mark": {"type": "rule", "color": "@second", "strokeWidth": 2},
     "encoding": {"y": {"field": "low"}, "y2": {"field": "high"}}},
    {"transform": [{"filter": "datum.reported"}],
     "mark": {"type": "point", "filled": true, "size": 60, "color": "@second", "opacity": 1}},
    {"params": [{"name": "near", "select": {"type": "point", "on": "pointerover",
       "nearest": true, "clear": "pointerout"}}],
     "mark": {"type": "point", "filled": true, "size": 70, "color": "@ink"},
     "encoding": {
       "opacity": {"condition": {"param": "near", "empty": false, "value": 1}, "value": 0},
       "tooltip": [{"field": "fmr", "title": "FMR", "format": ".3~e"},
         {"field": "fnmr", "title": "FNMR", "format": ".3~e"},
         {"field": "threshold", "title": "threshold", "format": ".4f"}]}}
  ]})json";

constexpr std::string_view kRoc = R"json({
  "height": 300,
  "transform": [{"filter": "!datum.reported"}],
  "encoding": {
    "x": {"field": "fmr", "type": "quantitative", "scale": {"type": "log", "nice": false},
      "axis": {"title": "FMR", "labelExpr": "datum.value == 1 ? '1' : datum.label",
        "format": ".0e", "labelOverlap": true, "values": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]}},
    "y": {"field": "tar", "type": "quantitative", "scale": {"zero": false},
      "axis": {"title": "TAR = 1 - FNMR", "format": ".1~%"}}
  },
  "layer": [
    {"mark": {"type": "line", "color": "@first", "strokeWidth": 2.5}},
    {"params": [{"name": "near", "select": {"type": "point", "on": "pointerover",
       "nearest": true, "clear": "pointerout"}}],
     "mark": {"type": "point", "filled": true, "size": 70, "color": "@ink"},
     "encoding": {
       "opacity": {"condition": {"param": "near", "empty": false, "value": 1}, "value": 0},
       "tooltip": [{"field": "fmr", "title": "FMR", "format": ".3~e"},
         {"field": "tar", "title": "TAR", "format": ".2%"},
         {"field": "threshold", "title": "threshold", "format": ".4f"}]}}
  ]})json";

constexpr std::string_view kSimilarities = R"json({
  "height": 240,
  "layer": [
    {"mark": {"type": "area", "interpolate": "step-after", "fillOpacity": 0.35, "line": true},
     "transform": [{"filter": "datum.share != null"}],
     "encoding": {
       "x": {"field": "similarity", "type": "quantitative", "axis": {"title": "similarity"}},
       "y": {"field": "share", "type": "quantitative", "stack": null,
         "axis": {"title": "share of the pairs", "format": "~%"}},
       "color": {"field": "pairs", "type": "nominal",
         "scale": {"domain": ["one person", "two people"], "range": ["@first", "@second"]}},
       "tooltip": [{"field": "pairs"}, {"field": "similarity", "format": ".3f"},
         {"field": "count", "format": ","}, {"field": "share", "format": ".2%"}]}},
    {"mark": {"type": "rule", "strokeDash": [4, 4]},
     "transform": [{"filter": "datum.label != null"}],
     "encoding": {"x": {"field": "similarity", "type": "quantitative"}}},
    {"mark": {"type": "text", "align": "left", "dx": 4, "dy": -3, "baseline": "bottom", "angle": 90,
       "fontSize": 11},
     "transform": [{"filter": "datum.label != null"}],
     "encoding": {"x": {"field": "similarity", "type": "quantitative"}, "y": {"value": 0},
       "text": {"field": "label"}}}
  ]})json";

constexpr std::string_view kIdentification = R"json({
  "height": 280,
  "encoding": {
    "x": {"field": "place", "type": "quantitative", "scale": {"type": "log", "nice": false,
      "padding": 12}, "axis": {"title": "people in the gallery", "format": "~s",
      "labelOverlap": true}},
    "y": {"type": "quantitative", "axis": {"title": "FNIR", "format": "~%", "tickCount": 6}},
    "color": {"field": "fpir", "type": "nominal", "sort": null,
      "scale": {"range": ["@first", "@second", "@third"]}},
    "shape": {"field": "fpir", "type": "nominal", "sort": null,
      "scale": {"range": ["circle", "square", "triangle-up"]}}
  },
  "layer": [
    {"mark": {"type": "rule", "opacity": 0.6},
     "encoding": {"y": {"field": "low"}, "y2": {"field": "high"}}},
    {"mark": {"type": "line", "strokeWidth": 2.5},
     "encoding": {"y": {"field": "fnir"}}},
    {"mark": {"type": "point", "filled": true, "size": 70, "opacity": 1},
     "encoding": {"y": {"field": "fnir"},
       "tooltip": [{"field": "fpir", "title": "at"}, {"field": "people"},
         {"field": "fnir", "title": "FNIR", "format": ".2%"},
         {"field": "low", "format": ".2%"}, {"field": "high", "format": ".2%"},
         {"field": "searches", "title": "mated searches", "format": ","}]}}
  ]})json";

constexpr std::string_view kMap = R"json({
  "height": 460,
  "params": [{"name": "person", "select": {"type": "point", "fields": ["person"],
    "on": "pointerover", "clear": "pointerout"}},
    {"name": "view", "bind": "scales",
     "select": {"type": "interval", "zoom": "wheel![event.shiftKey]"}}],
  "mark": {"type": "point", "filled": true, "size": 70},
  "encoding": {
    "x": {"field": "x", "type": "quantitative", "scale": {"zero": false}, "axis": null},
    "y": {"field": "y", "type": "quantitative", "scale": {"zero": false}, "axis": null},
    "color": {"field": "person", "type": "nominal", "legend": null,
      "scale": {"scheme": "tableau20"}},
    "shape": {"field": "shape", "type": "nominal", "legend": null},
    "opacity": {"condition": {"param": "person", "value": 0.9}, "value": 0.1},
    "tooltip": [{"field": "person"}, {"field": "photo"}]
  }})json";

constexpr std::string_view kBins = R"json({
  "height": 170,
  "encoding": {
    "x": {"field": "bin", "type": "ordinal", "sort": null,
      "axis": {"title": "", "labelAngle": 0, "labelLimit": 90,
        "labelExpr": "split(replace(datum.label, ' to ', ' to|'), '|')"}},
    "y": {"type": "quantitative", "axis": {"title": "FNMR", "format": "~%", "tickCount": 5}},
    "tooltip": [{"field": "bin"}, {"field": "rate", "format": ".2%"},
      {"field": "low", "format": ".2%"}, {"field": "high", "format": ".2%"},
      {"field": "errors", "format": ","}, {"field": "pairs", "format": ","}]
  },
  "layer": [
    {"mark": {"type": "rule", "color": "@first", "strokeWidth": 2},
     "encoding": {"y": {"field": "low"}, "y2": {"field": "high"}}},
    {"mark": {"type": "point", "filled": true, "size": 80, "color": "@first", "opacity": 1},
     "encoding": {"y": {"field": "rate"}}}
  ]})json";

constexpr std::string_view kGroups = R"json({
  "encoding": {
    "y": {"field": "group", "type": "nominal", "axis": {"title": null, "labelLimit": 140}},
    "yOffset": {"field": "kind", "type": "nominal"},
    "x": {"type": "quantitative", "axis": {"title": "rate", "format": "~%", "tickCount": 6}},
    "color": {"field": "kind", "type": "nominal",
      "scale": {"domain": ["FNMR", "FMR"], "range": ["@first", "@second"]}},
    "tooltip": [{"field": "group"}, {"field": "kind"}, {"field": "rate", "format": ".3~%"},
      {"field": "low", "format": ".3~%"}, {"field": "high", "format": ".3~%"},
      {"field": "errors", "format": ","}, {"field": "pairs", "format": ","}]
  },
  "layer": [
    {"mark": {"type": "rule", "strokeWidth": 2},
     "encoding": {"x": {"field": "low"}, "x2": {"field": "high"}}},
    {"mark": {"type": "point", "filled": true, "size": 70, "opacity": 1},
     "encoding": {"x": {"field": "rate"}}}
  ]})json";

constexpr std::string_view kModels = R"json({
  "encoding": {
    "y": {"field": "model", "type": "nominal", "sort": null,
      "axis": {"title": null, "labelLimit": 160}},
    "x": {"type": "quantitative", "scale": {"zero": false}, "axis": {"title": "", "tickCount": 6}},
    "tooltip": [{"field": "model"}, {"field": "value", "format": ".5f"},
      {"field": "low", "format": ".5f"}, {"field": "high", "format": ".5f"}]
  },
  "layer": [
    {"mark": {"type": "rule", "strokeWidth": 2, "color": "@first"},
     "encoding": {"x": {"field": "low"}, "x2": {"field": "high"}}},
    {"mark": {"type": "point", "filled": true, "size": 90, "opacity": 1, "color": "@first"},
     "encoding": {"x": {"field": "value"}}}
  ]})json";

json::object rate_row(const CountedRate& rate) {
  const Interval interval = rate.interval();
  return {{"rate", rate.rate()},
          {"low", interval.low},
          {"high", interval.high},
          {"errors", rate.error_count},
          {"pairs", rate.trial_count}};
}

}  // namespace

std::optional<json::object> det_plot(const VerificationReport& verification) {
  const auto points = det_curve(verification.counts);
  const bool any = std::ranges::any_of(points, [](const CurvePoint& of) {
    return of.false_match_rate > 0 && of.false_non_match_rate > 0;
  });
  if (!any) return std::nullopt;
  return with_data(kDet, curve_rows(verification));
}

json::object roc_plot(const VerificationReport& verification) {
  return with_data(kRoc, curve_rows(verification));
}

json::object similarity_plot(const VerificationReport& verification) {
  const auto total = [&](PairKind kind) {
    return static_cast<double>(std::max<int64_t>(1, verification.counts.total(kind)));
  };
  json::array rows;
  const auto add = [&](double similarity, std::string_view pairs, int64_t count, PairKind kind) {
    rows.push_back(json::object{{"similarity", similarity},
                                {"pairs", pairs},
                                {"count", count},
                                {"share", static_cast<double>(count) / total(kind)}});
  };
  for (const SimilarityBin& bin : plot_bins(verification.counts)) {
    add(bin.low, "one person", bin.genuine_count, PairKind::Genuine);
    add(bin.low, "two people", bin.impostor_count, PairKind::Impostor);
  }
  for (const FnmrAtFmr& rate : verification.fnmr_at_fmr) {
    if (!rate.measured) continue;
    rows.push_back(json::object{{"similarity", json::number(rate.measured->match_threshold)},
                                {"label", "FMR " + promise_text(rate.false_match_rate)}});
  }
  return with_data(kSimilarities, std::move(rows));
}

json::object identification_plot(const IdentificationReport& identification) {
  constexpr double kApart = 0.025;  // of the size
  json::array rows;
  for (const GallerySizeResult& size : identification.sizes) {
    // Beside each other, around the size: what is equal would hide one another.
    const auto measured_count = std::ranges::count_if(
        size.rates, [](const FnirAtFpir& rate) { return rate.measured.has_value(); });
    double apart = 1 - kApart * static_cast<double>(measured_count - 1) / 2;
    for (const FnirAtFpir& rate : size.rates) {
      if (!rate.measured) continue;
      const CountedRate& misses = rate.measured->false_negatives;
      rows.push_back(
          json::object{{"people", size.person_count},
                       {"place", apart * static_cast<double>(size.person_count)},
                       {"fpir", "FPIR " + promise_text(rate.false_positive_identification_rate)},
                       {"fnir", misses.rate()},
                       {"low", misses.interval().low},
                       {"high", misses.interval().high},
                       {"searches", misses.trial_count}});
      apart += kApart;
    }
  }
  json::array sizes;
  for (const GallerySizeResult& size : identification.sizes) sizes.push_back(size.person_count);
  json::object plot = with_data(kIdentification, std::move(rows));
  axis_of(plot)["values"] = std::move(sizes);
  return plot;
}

json::object map_plot(std::span<const MappedPhoto> map, const LabelledPhotos& photos) {
  constexpr uint32_t kColourCount = 20;  // beyond, a colour comes back with another shape
  std::vector<uint32_t> people;
  json::array rows;
  for (const auto& [photo_index, place] : map) {
    const LabelledPhoto& photo = photos.photos[photo_index];
    auto known = std::ranges::find(people, photo.person_index);
    if (known == people.end()) known = people.insert(known, photo.person_index);
    const auto number = static_cast<uint32_t>(known - people.begin());
    rows.push_back(json::object{{"x", json::number(static_cast<float>(place.x))},
                                {"y", json::number(static_cast<float>(place.y))},
                                {"person", photos.people[photo.person_index]},
                                {"photo", photo.name},
                                {"shape", number / kColourCount}});
  }
  return with_data(kMap, std::move(rows));
}

json::object quality_plot(const QualityErrors& errors) {
  json::array rows;
  for (const QualityBin& bin : errors.bins) {
    json::object row = rate_row(bin.false_non_matches);
    row["bin"] = range_text(bin);
    if (bin.false_non_matches.trial_count > 0) rows.push_back(std::move(row));
  }
  json::object plot = with_data(kBins, std::move(rows));
  axis_of(plot)["title"] = measure_text(errors);
  return plot;
}

json::object attribute_plot(const AttributeErrors& errors) {
  constexpr int kGroup_px = 40;
  constexpr int kAround_px = 90;  // the axis and the legend
  json::array rows;
  for (const GroupErrors& group : errors.groups) {
    for (const auto& [kind, rate] :
         {std::pair("FNMR", group.false_non_matches), std::pair("FMR", group.false_matches)}) {
      if (rate.trial_count == 0) continue;
      json::object row = rate_row(rate);
      row["group"] = group.group;
      row["kind"] = kind;
      rows.push_back(std::move(row));
    }
  }
  json::object plot = with_data(kGroups, std::move(rows));
  plot["height"] = kGroup_px * static_cast<int>(errors.groups.size()) + kAround_px;
  return plot;
}

json::object models_plot(const ComparisonReport& report) {
  constexpr int kModel_px = 40;
  constexpr int kAround_px = 60;  // the axis
  json::array rows;
  for (const ComparedModel& model : report.models) {
    json::object row{{"model", model.name}, {"value", figure_of(model.curve, report.criterion)}};
    if (model.intervals) {
      const Interval& interval = interval_of(*model.intervals, report.criterion);
      row["low"] = interval.low;
      row["high"] = interval.high;
    }
    rows.push_back(std::move(row));
  }
  json::object plot = with_data(kModels, std::move(rows));
  plot["height"] = kModel_px * static_cast<int>(report.models.size()) + kAround_px;
  axis_of(plot)["title"] = criterion_text(report);
  return plot;
}

}  // namespace faceforge::evaluate
