// Which detector of the npm packages the pack `faceapi` should have: each in turn finds faces where
// that is hard, and lays them before the pack's own landmark and embedding networks. Decision 0018
// quotes the table that this prints.
//
//   faceforge_npm_detectors NODE_MODULES TEST_DATA [DETECTOR]      the table, or one row of it
//   faceforge_npm_detectors NODE_MODULES TEST_DATA DETECTOR CARD   CARD, rewritten for DETECTOR
//
// Only photos of people outside LFW's pairs list are used to tell people apart: the pairs are for
// the last measurement alone. The second form writes sizes and sha256s, and the mean and weights
// that `evaluate::fit_fusion` finds on the same photos; thresholds come from `faceforge evaluate
// calibrate --write-card` after it.

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/operating_curve.h"
#include "base/person_folders.h"
#include "base/sha256.h"
#include "evaluate/fusion.h"
#include "evaluate/pair_list.h"
#include "evaluate/people_folder.h"
#include "evaluate/verification_metrics.h"
#include "packs/card.h"
#include "packs/faceapi_convert.h"
#include "packs/human_convert.h"
#include "packs/internal/npm_package.h"
#include "support/test_data.h"
#include "vision/internal/composed_photos.h"
#include "vision/pipeline.h"

namespace {

namespace fs = std::filesystem;
using namespace faceforge;

/// Photos that tell a detector's landmarks from another's: those of people with several come first.
constexpr size_t kPhotoLimit = 400;

/// Of SCRFD's faces those that are to be found.
constexpr float kSmallestFace_px = 20;

vision::InputNormalization pixels(std::array<float, 3> mean, std::array<float, 3> scale) {
  return {.channel_order = vision::ChannelOrder::Rgb, .mean = mean, .scale = scale};
}

struct Candidate {
  std::string_view name;
  packs::NpmPackage package;
  std::string file;
  vision::DetectorHead head;
  int side_px;
  vision::InputNormalization input;
  float min_detection_score;
  float overlap_limit;
};

const packs::NpmPackage kFaceapi{.name = "@vladmandic/face-api", .version = "1.7.15"};
const packs::NpmPackage kHuman{.name = "@vladmandic/human", .version = "3.3.6"};

Candidate blazeface(std::string_view name, float min_detection_score) {
  return {name,
          kHuman,
          packs::kHumanDetectorFile,
          vision::DetectorHead::Blazeface,
          256,
          pixels({127.5F, 127.5F, 127.5F}, {127.5F, 127.5F, 127.5F}),
          min_detection_score,
          0.3F};
}

std::vector<Candidate> candidates() {
  return {{"ssd", kFaceapi, packs::kFaceapiDetectorFile, vision::DetectorHead::Ssd, 512,
           pixels({127.5F, 127.5F, 127.5F}, {127.5F, 127.5F, 127.5F}), 0.5F, 0.5F},
          {"tiny", kFaceapi, packs::kFaceapiTinyDetectorFile, vision::DetectorHead::Ssd, 416,
           pixels({117.001F, 114.697F, 97.404F}, {255, 255, 255}), 0.5F, 0.4F},
          blazeface("blazeface-0.5", 0.5F),
          blazeface("blazeface", 0.6F),
          blazeface("blazeface-0.7", 0.7F)};
}

/// The card with another detector; what else it names stays.
packs::Card with_detector(packs::Card card, const Candidate& candidate) {
  std::erase_if(card.files, [&](const packs::PackFile& file) {
    return file.path == card.detector.file.string();
  });
  packs::PackFile file;
  file.path = candidate.file;
  card.files.insert(card.files.begin(), file);
  card.detector = {.file = candidate.file,
                   .head = candidate.head,
                   .input = candidate.input,
                   .fixed_side_px = candidate.side_px,
                   .stride_multiple_px = candidate.side_px,
                   .min_detection_score = candidate.min_detection_score,
                   .overlap_limit = candidate.overlap_limit};
  return card;
}

struct Found {
  size_t found = 0;
  size_t there = 0;
  size_t elsewhere = 0;  ///< boxes with no face of the composition in them
};

void count(const vision::test::ComposedPhoto& composed,
           const std::vector<face::DetectedFace>& detected, Found& sum) {
  sum.there += composed.faces.size();
  for (const auto& face : composed.faces) sum.found += vision::test::is_found(face, detected);
  for (const auto& box : detected) {
    sum.elsewhere += std::ranges::none_of(composed.faces, [&](const face::BoundingBox& face) {
      return face::intersection_over_union(face, box.box) > 0;
    });
  }
}

Result<Found> mostly_faces(const vision::Pipeline& pipeline, const fs::path& data) {
  Found sum;
  size_t index = 0;
  for (const auto& file : vision::test::lfw_photos(data, 100)) {
    const double share = 0.6 + 0.1 * static_cast<double>(index % 5);
    const int side_px = 300 * static_cast<int>(1 + index++ % 4);
    const auto photo =
        vision::test::mostly_face(vision::test::read_photo(file).image, share, side_px);
    count(photo, TRY(pipeline.detect(photo.photo)), sum);
  }
  return sum;
}

Result<Found> crowds(const vision::Pipeline& pipeline, const fs::path& data) {
  Found sum;
  for (uint32_t seed = 0; seed < 4; ++seed) {
    const auto photo = vision::test::crowd(vision::test::lfw_photos(data, 48, 7 * seed + 3), seed);
    count(photo, TRY(pipeline.detect(photo.photo)), sum);
  }
  return sum;
}

/// What SCRFD finds in photos of LFW, people behind and beside included: found is what this one
/// finds of it, elsewhere what SCRFD does not see even at a low score.
Result<Found> as_scrfd(const vision::Pipeline& pipeline, const fs::path& data) {
  const auto reference = TRY(vision::Pipeline::load(vision::test::pack_spec(data, "scrfd-mbf")));
  Found sum;
  for (const auto& file : vision::test::lfw_photos(data, 300)) {
    const auto photo = vision::test::read_photo(file);
    const auto own = TRY(pipeline.detect(photo));
    const auto seen = TRY(reference->detect(photo, {.min_detection_score = 0.2F}));
    for (const auto& face : seen) {
      if (face.detection_score < 0.7F || face.box.width < kSmallestFace_px) continue;
      ++sum.there;
      sum.found += vision::test::is_found(face.box, own);
    }
    for (const auto& box : own) {
      sum.elsewhere += std::ranges::none_of(seen, [&](const face::DetectedFace& face) {
        return face::intersection_over_union(face.box, box.box) > 0.1F;
      });
    }
  }
  return sum;
}

/// Processor time of one photo of LFW (250x250), detection alone.
Result<double> milliseconds_a_photo(const vision::Pipeline& pipeline, const fs::path& data) {
  std::vector<image::Photo> photos;
  for (const auto& file : vision::test::lfw_photos(data, 40)) {
    photos.push_back(vision::test::read_photo(file));
  }
  TRY(pipeline.detect(photos[0]));
  const std::clock_t start = std::clock();
  for (const auto& photo : photos) TRY(pipeline.detect(photo));
  return 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC /
         static_cast<double>(photos.size());
}

/// Every two photos, as the pairs of one fold.
std::vector<evaluate::ComparedPair> all_pairs(const evaluate::PeopleEmbeddings& embedded) {
  std::vector<std::pair<size_t, const face::Embedding*>> photos;
  for (size_t person = 0; person < embedded.people.size(); ++person) {
    for (const auto& embedding : embedded.people[person].embeddings) {
      photos.emplace_back(person, &embedding);
    }
  }
  std::vector<evaluate::ComparedPair> pairs;
  for (size_t a = 0; a < photos.size(); ++a) {
    for (size_t b = a + 1; b < photos.size(); ++b) {
      pairs.push_back({face::similarity(*photos[a].second, *photos[b].second).value(),
                       photos[a].first == photos[b].first ? evaluate::PairKind::Genuine
                                                          : evaluate::PairKind::Impostor});
    }
  }
  return pairs;
}

double area_under_roc(const std::vector<evaluate::ComparedPair>& pairs) {
  std::vector<float> genuine, impostor;
  for (const evaluate::ComparedPair& pair : pairs) {
    (pair.kind == evaluate::PairKind::Genuine ? genuine : impostor).push_back(pair.similarity);
  }
  return summarize_curve(std::move(genuine), std::move(impostor), {}).auc;
}

/// Who else is left out to save time: those of one photo each, beyond what makes `photo_limit`.
Result<std::set<std::string>> all_but(const fs::path& images, std::set<std::string> excluded,
                                      size_t photo_limit) {
  constexpr size_t kAnyNumber = 1'000'000;
  const auto people = TRY(list_person_folders(images, kAnyNumber, excluded));
  size_t photo_count = 0;
  for (const bool several : {true, false}) {
    for (const PersonFolder& person : people) {
      if ((person.photos.size() > 1) != several) continue;
      if (photo_count >= photo_limit) excluded.insert(person.name);
      photo_count += person.photos.size();
    }
  }
  return excluded;
}

Result<void> print_row(const Candidate& candidate, const packs::Card& card, const fs::path& folder,
                       const fs::path& data, const std::set<std::string>& excluded) {
  const auto pipeline =
      TRY(vision::Pipeline::load(packs::pipeline_spec(with_detector(card, candidate), folder)));
  const Found close = TRY(mostly_faces(*pipeline, data));
  const Found crowd = TRY(crowds(*pipeline, data));
  const Found beside = TRY(as_scrfd(*pipeline, data));
  const double detection_ms = TRY(milliseconds_a_photo(*pipeline, data));
  const auto embedded = TRY(evaluate::embed_people(*pipeline, data / "lfw", excluded, {}));
  const auto pairs = all_pairs(embedded);
  const auto misses_at = [&](double rate) {
    return 100 * (1 - evaluate::tar_at_fmr(pairs, rate).true_accept_rate);
  };
  fmt::print(
      "| {} | {} of {} | {} of {} | {} | {} of {} | {} | {:.1f} | {} | {:.6f} | {:.1f} | {:.1f} | "
      "{:.1f} |\n",
      candidate.name, close.found, close.there, crowd.found, crowd.there,
      close.elsewhere + crowd.elsewhere, beside.found, beside.there, beside.elsewhere, detection_ms,
      embedded.faceless.size(), area_under_roc(pairs), misses_at(1e-2), misses_at(1e-3),
      misses_at(1e-4));
  std::fflush(stdout);
  return {};
}

/// The card for a detector: what its networks are, and how their outputs are put together.
Result<void> rewrite_card(const Candidate& candidate, packs::Card card, const fs::path& folder,
                          const fs::path& data, const std::set<std::string>& excluded,
                          const fs::path& file) {
  card = with_detector(std::move(card), candidate);
  for (packs::PackFile& made : card.files) {
    made.sha256 = to_hex(TRY(sha256_file(folder / made.path)));
    made.size_bytes = static_cast<int64_t>(fs::file_size(folder / made.path));
  }
  const auto report = TRY(
      evaluate::fit_fusion_folder(packs::pipeline_spec(card, folder), data / "lfw", excluded, {}));
  for (size_t index = 0; index < report.embedders.size(); ++index) {
    const auto& fitted = report.embedders[index];
    card.embedders[index].output_mean = fitted.output_mean;
    card.embedders[index].weight = fitted.weight;
    fmt::print("embedder {}: weight {}, strangers' squared distance {:.4f} +- {:.4f}\n", index,
               fitted.weight, fitted.impostor_mean, fitted.impostor_standard_deviation);
  }
  card.measured_accuracy.reset();
  card.calibration.reset();
  return write_file_atomically(file, packs::to_text(card));
}

Result<void> run(const fs::path& modules, const fs::path& data, std::string_view chosen,
                 const fs::path& file) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> files = {
      packs::kFaceapiDetectorFile, packs::kFaceapiTinyDetectorFile, packs::kHumanDetectorFile,
      packs::kFaceapiContourFile,  packs::kFaceapiEmbedderFile,     packs::kHumanEmbedderFile};
  for (const packs::NpmPackage& package : {kFaceapi, kHuman}) {
    TRY(packs::convert_npm_package(package, modules / package.name, files, folder.path()));
  }
  const packs::Card card = TRY(packs::read_card(test::source_folder() / "models" / "faceapi"));
  const auto list = TRY(evaluate::read_pair_list(data / "lfw-pairs.txt"));
  const auto excluded = evaluate::people_of(list);
  if (file.empty()) {
    fmt::print(
        "| detector | mostly face | crowd, 16 to 24 px | elsewhere | SCRFD's on LFW | elsewhere | "
        "ms a photo | LFW photos "
        "without a face | AUC | missed at 1e-2, % | 1e-3 | 1e-4 |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    const auto left_out = TRY(all_but(data / "lfw", excluded, kPhotoLimit));
    for (const Candidate& candidate : candidates()) {
      if (!chosen.empty() && candidate.name != chosen) continue;
      TRY(print_row(candidate, card, folder.path(), data, left_out));
    }
    return {};
  }
  for (const Candidate& candidate : candidates()) {
    if (candidate.name == chosen) {
      return rewrite_card(candidate, card, folder.path(), data, excluded, file);
    }
  }
  return fail(ErrorCode::InvalidInput, "detector_unknown", "there is no detector `{}`", chosen);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3 || count > 5) {
    fmt::print(stderr, "usage: {} NODE_MODULES TEST_DATA [DETECTOR [CARD]]\n", words[0]);
    return 3;
  }
  const auto done = run(words[1], words[2], count >= 4 ? words[3] : "", count == 5 ? words[4] : "");
  if (!done) fmt::print(stderr, "npm_detectors: {}\n", done.error().message);
  return done ? 0 : 3;
}
