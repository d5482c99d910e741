#include <algorithm>
#include <memory>
#include <set>

#include "base/file.h"
#include "cli/console.h"
#include "cli/evaluate_photos_command.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/phase_bars.h"
#include "cli/photo_notes.h"
#include "cli/report_files.h"
#include "evaluate/comparison_report.h"
#include "evaluate/model_comparison.h"
#include "evaluate/pair_list.h"
#include "evaluate/people_folder.h"
#include "evaluate/photo_embeddings.h"
#include "evaluate/unseen_people.h"

namespace faceforge::cli {
namespace {

constexpr int kModelLimit = 20;

struct ComparisonOptions {
  std::vector<std::string> models;
  std::string images;
  std::string pairs;
  std::string by = "auc";
  uint64_t seed = 1;
  bool leaves_out_trained = false;
  bool json = false;
  ReportFiles files;
  std::string data_folder;
};

/// Models with what they made of the same photos.
struct Contest {
  std::vector<evaluate::ModelEmbeddings> models{};
  evaluate::ComparisonPlan plan{};
  std::vector<std::string> unusable{};  ///< photos that could not be read, and why
};

/// The photos of a contest between packs, named as its plan names them.
struct ContestPhotos {
  evaluate::PeopleFolder folder;
  evaluate::ComparisonPlan plan;
};

bool is_embeddings(const std::string& model) {
  return model.ends_with(".npy");
}

Result<void> check_models(const ComparisonOptions& options) {
  const auto file_count = std::ranges::count_if(options.models, is_embeddings);
  if (file_count == 0 && options.images.empty()) {
    return fail(ErrorCode::InvalidInput, "images_missing",
                "on which photos? Name a folder of PERSON/PHOTO with --images DIR");
  }
  if (file_count == 0) return {};
  if (file_count != static_cast<ptrdiff_t>(options.models.size())) {
    return fail(ErrorCode::InvalidInput, "models_mixed",
                "packs and files of embeddings are not compared with each other: embed the photos "
                "with each pack (faceforge embed DIR --npy FILE)");
  }
  if (!options.images.empty() || !options.pairs.empty()) {
    return fail(ErrorCode::InvalidInput, "images_unused",
                "files of embeddings say themselves which photos they are of: leave out --images "
                "and --pairs");
  }
  return {};
}

/// Whom one of the packs was trained on, to be left out.
Result<std::set<std::string>> seen_by_packs(const ComparisonOptions& options,
                                            const std::set<std::string>& people) {
  std::set<std::string> seen;
  for (const std::string& model : options.models) {
    seen.merge(TRY(trained_people_left_out(PackChoice{options.data_folder, model}, people,
                                           options.leaves_out_trained)));
  }
  return seen;
}

/// All photos of the folder, or those of the list as if they lay in a folder.
Result<ContestPhotos> photos_of(const ComparisonOptions& options) {
  ContestPhotos photos;
  if (options.pairs.empty()) {
    photos.folder = TRY(evaluate::list_people(options.images, {}));
    const std::set<std::string> people(photos.folder.people.begin(), photos.folder.people.end());
    const auto seen = TRY(seen_by_packs(options, people));
    if (!seen.empty()) photos.folder = TRY(evaluate::list_people(options.images, seen));
    std::vector<std::string> names;
    for (const auto& photo : photos.folder.photos) names.push_back(photo.name);
    photos.plan = TRY(evaluate::plan_all_pairs(names, options.seed));
    return photos;
  }
  auto list = TRY(evaluate::read_pair_list(options.pairs));
  list = evaluate::without(std::move(list), TRY(seen_by_packs(options, evaluate::people_of(list))));
  photos.plan = TRY(evaluate::plan_listed_pairs(list));
  std::set<evaluate::PhotoName> seen;
  for (const evaluate::Pair& pair : list.pairs) {
    for (const evaluate::PhotoName& photo : {pair.first, pair.second}) {
      if (!seen.insert(photo).second) continue;
      photos.folder.files.push_back(TRY(evaluate::photo_file(options.images, photo)));
      photos.folder.photos.push_back({0, evaluate::listed_photo_name(photo)});
    }
  }
  photos.folder.people.emplace_back("");  // whose they are is in the plan
  return photos;
}

Result<Contest> contest_of_packs(const ComparisonOptions& options, PhaseBars& bars) {
  ContestPhotos photos = TRY(photos_of(options));
  Contest contest{.plan = std::move(photos.plan)};
  std::vector<std::shared_ptr<const vision::Pipeline>> pipelines;  // all, before hours are spent
  for (const std::string& model : options.models) {
    pipelines.push_back(TRY(open_pipeline({options.data_folder, model})));
  }
  for (size_t index = 0; index < pipelines.size(); ++index) {
    auto embedded = TRY(evaluate::embed_labelled_photos(*pipelines[index], photos.folder,
                                                        bars.begin(options.models[index])));
    contest.models.push_back(evaluate::by_photo(options.models[index], embedded));
    if (index == 0) contest.unusable = std::move(embedded.unusable);
  }
  return contest;
}

/// Whom and what files of embeddings show. Photos are named `gallery:PERSON/PHOTO` or
/// `test:PERSON/PHOTO`.
struct FilePhotos {
  std::set<std::string> people{};
  std::set<std::string> gallery{};
  std::set<std::string> test{};
};

constexpr std::string_view kGallery = "gallery:";
constexpr std::string_view kTest = "test:";

/// Reads the file of a model, and notes what it shows.
Result<evaluate::ModelEmbeddings> read_embeddings(const std::string& model, const std::string& file,
                                                  std::string_view prefix, FilePhotos& photos) {
  const auto labelled = TRY(evaluate::read_labelled_embeddings(file));
  photos.people.insert(labelled.people.begin(), labelled.people.end());
  std::set<std::string>& names = prefix == kTest ? photos.test : photos.gallery;
  for (const auto& photo : labelled.photos) names.insert(std::string(prefix) + photo.name);
  return evaluate::by_photo(model, labelled, prefix);
}

/// Takes whom one of the models was trained on out of the photos, as far as a pack of this machine
/// tells.
Result<void> leave_out_trained(const ComparisonOptions& options,
                               std::span<const evaluate::ModelEmbeddings> models,
                               FilePhotos& photos) {
  for (const evaluate::ModelEmbeddings& model : models) {
    const auto seen = TRY(trained_people_left_out(options.data_folder, model.model_id,
                                                  photos.people, options.leaves_out_trained));
    const auto is_of_them = [&](const std::string& photo) {
      const size_t begin = photo.find(':') + 1;
      return seen.contains(photo.substr(begin, photo.find('/', begin) - begin));
    };
    std::erase_if(photos.gallery, is_of_them);
    std::erase_if(photos.test, is_of_them);
  }
  return {};
}

/// `GALLERY.npy,TEST.npy` or one file, of every model.
Result<Contest> contest_of_files(const ComparisonOptions& options) {
  Contest contest;
  FilePhotos photos;
  size_t with_test_count = 0;
  for (const std::string& model : options.models) {
    const size_t comma = model.find(',');
    auto embeddings = TRY(read_embeddings(model, model.substr(0, comma), kGallery, photos));
    if (comma != std::string::npos) {
      ++with_test_count;
      auto more = TRY(read_embeddings(model, model.substr(comma + 1), kTest, photos));
      if (more.model_id != embeddings.model_id) {
        return fail(ErrorCode::Conflict, "model_mismatch", "{}: the two files are of two models",
                    model);
      }
      embeddings.by_photo.merge(more.by_photo);
    }
    contest.models.push_back(std::move(embeddings));
  }
  if (with_test_count != 0 && with_test_count != options.models.size()) {
    return fail(ErrorCode::InvalidInput, "models_mixed",
                "{} of {} models have a test file beside the gallery's; all or none must",
                with_test_count, options.models.size());
  }
  TRY(leave_out_trained(options, contest.models, photos));
  const std::vector<std::string> gallery(photos.gallery.begin(), photos.gallery.end());
  const std::vector<std::string> test(photos.test.begin(), photos.test.end());
  contest.plan =
      TRY(with_test_count == 0 ? evaluate::plan_all_pairs(gallery, options.seed)
                               : evaluate::plan_cross_pairs(gallery, test, options.seed));
  return contest;
}

Result<int> run_comparison(const ComparisonOptions& options, const Interrupt& interrupt) {
  const evaluate::Criterion criterion = TRY(evaluate::criterion_from(options.by));
  TRY(check_models(options));
  const std::string plot_script = TRY(prepare_reports(options.files));
  PhaseBars bars(interrupt);
  const Contest contest =
      TRY(is_embeddings(options.models.front()) ? contest_of_files(options)
                                                : contest_of_packs(options, bars));
  const evaluate::ComparisonReport report = TRY(evaluate::compare_models(
      contest.models, contest.plan, criterion, options.seed, bars.begin("models")));
  bars.end();
  const std::string markdown = evaluate::to_markdown(report);
  if (!options.files.markdown.empty()) {
    TRY(write_file_atomically(options.files.markdown, markdown));
  }
  if (!options.files.page.empty()) {
    TRY(write_file_atomically(options.files.page, evaluate::comparison_page(report, plot_script)));
  }
  print(options.json ? json::to_pretty_text(evaluate::to_json(report)) : markdown);
  note_photos(contest.unusable);
  return contest.unusable.empty() ? kExitDone : kExitSomeFailed;
}

void declare_comparison(CLI::App& command, ComparisonOptions& options) {
  command
      .add_option("MODEL", options.models,
                  "Packs (ids or folders); or embeddings that `embed --npy` wrote of a folder of "
                  "PERSON/PHOTO: FILE.npy, or GALLERY.npy,TEST.npy")
      ->required()
      ->expected(2, kModelLimit)
      ->type_name("ID|DIR|NPY");
  command.add_option("--images", options.images, "A folder of PERSON/PHOTO")->type_name("DIR");
  command
      .add_option("--pairs", options.pairs,
                  "Compare on this list, in the format of LFW's pairs.txt, instead of on all pairs")
      ->type_name("PAIRS.txt");
  command
      .add_option("--by", options.by,
                  "What the best one is best by: auc, eer, or tar (TAR at the rarest measurable of "
                  "FMR 0.01 and 0.001)")
      ->type_name("auc|eer|tar")
      ->default_str("auc");
  add_leave_out_trained_option(command, options.leaves_out_trained);
  command.add_option("--seed", options.seed, "Of everything that is drawn by lot")
      ->default_str("1");
  add_json_option(command, options.json);
  add_report_options(command, options.files);
  add_data_option(command, options.data_folder);
  set_examples(
      command,
      "  faceforge evaluate compare faceapi buffalo_l --images people/\n"
      "  faceforge evaluate compare faceapi ./mine --images lfw/ --pairs pairs.txt --by tar\n"
      "  faceforge evaluate compare a-gallery.npy,a-test.npy b-gallery.npy,b-test.npy");
}

}  // namespace

void add_evaluate_compare_command(CLI::App& evaluate, Chosen& chosen) {
  add_command<ComparisonOptions>(evaluate, chosen, "compare",
                                 "Find the best of several models, on the same pairs",
                                 declare_comparison, run_comparison);
}

}  // namespace faceforge::cli
