#include "dataset/suspects.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"
#include "gallery/train.h"

namespace faceforge::dataset {
namespace {

/// One person's photos that show a face, and the template of those who agree.
struct PersonView {
  std::vector<size_t> photos;
  std::vector<bool> disagrees;  ///< beside `photos`
  gallery::TemplateSum sum;
};

const face::Embedding& central_embedding(const LookedPeople& people, size_t photo_index) {
  return people.photos[photo_index].facts.faces.front().embedding;
}

/// fails: too_large/person_too_large; as gallery::check_embedding
Result<PersonView> view_of(const LookedPeople& people, std::vector<size_t> photos,
                           float agreement_similarity) {
  const face::Embedding& first = central_embedding(people, photos.front());
  PersonView view{.photos = std::move(photos),
                  .disagrees = {},
                  .sum = gallery::TemplateSum(first.values.size())};
  if (std::cmp_greater(view.photos.size(), gallery::TemplateSum::kMaxCount)) {
    return fail(ErrorCode::TooLarge, "person_too_large",
                "{} has {} photos; {} of one person can be judged",
                people.people[people.photos[view.photos.front()].person_index], view.photos.size(),
                gallery::TemplateSum::kMaxCount);
  }
  std::vector<std::span<const float>> embeddings;
  for (const size_t photo : view.photos) {
    for (const FaceFacts& face : people.photos[photo].facts.faces) {
      TRY(gallery::check_embedding(face.embedding));
    }
    embeddings.emplace_back(central_embedding(people, photo).values);
  }
  view.disagrees = gallery::disagreeing(embeddings, first.metric, agreement_similarity);
  for (size_t i = 0; i < embeddings.size(); ++i) {
    if (!view.disagrees[i]) view.sum.add(embeddings[i]);
  }
  return view;
}

/// The templates of all people as a gallery, whose persons are those of `views` in order.
gallery::Snapshot snapshot_of(const LookedPeople& people, const std::vector<PersonView>& views,
                              const face::Embedding& any) {
  gallery::GalleryModel model{.model_id = any.model_id,
                              .metric = any.metric,
                              .embedding_length = static_cast<int64_t>(any.values.size())};
  for (const PersonView& view : views) {
    std::vector<float> mean = view.sum.mean(any.metric);
    if (mean.empty()) mean.resize(any.values.size());  // cancelled out: like nobody
    model.people.push_back({.name = people.people[people.photos[view.photos.front()].person_index],
                            .photo_count = view.sum.count(),
                            .spread = view.sum.spread(any.metric),
                            .mean = std::move(mean)});
  }
  return gallery::Snapshot(model);
}

/// Judges the photos of everyone.
class Judge {
 public:
  Judge(const LookedPeople& people, std::vector<PersonView> views, gallery::Snapshot snapshot,
        SuspectReport& report)
      : people_(people),
        views_(std::move(views)),
        snapshot_(std::move(snapshot)),
        report_(report) {}

  Result<void> judge_all() {
    for (size_t view_index = 0; view_index < views_.size(); ++view_index) {
      PersonView& view = views_[view_index];
      if (view.photos.size() < 2) {
        report_.alone_count += view.photos.size();
        continue;
      }
      for (size_t i = 0; i < view.photos.size(); ++i) TRY(judge(view_index, i));
      report_.judged_count += view.photos.size();
    }
    std::ranges::sort(report_.suspects, {}, &Suspect::photo_index);
    return {};
  }

 private:
  Result<void> judge(size_t view_index, size_t index) {
    PersonView& view = views_[view_index];
    const size_t photo = view.photos[index];
    const face::Embedding& embedding = central_embedding(people_, photo);
    const bool vouches_for_itself = !view.disagrees[index];
    if (vouches_for_itself) view.sum.remove(embedding.values);
    Suspect suspect{.photo_index = photo};
    suspect.own_similarity = similarity_to(view, embedding);
    const FaceFacts* second = face_that_agrees(view, people_.photos[photo].facts);
    if (vouches_for_itself) view.sum.add(embedding.values);
    TRY(find_other(view_index, embedding, suspect));
    const bool is_other = suspect.other_person_index &&
                          suspect.other_similarity > suspect.own_similarity &&
                          suspect.other_similarity >= report_.other_similarity;
    if (vouches_for_itself && !is_other) return {};
    if (!vouches_for_itself && second != nullptr) {
      suspect.doubt = Doubt::SecondFace;
      suspect.second_face_similarity = similarity_to(view, second->embedding);
    } else {
      suspect.doubt = is_other ? Doubt::Mislabelled : Doubt::Unlike;
    }
    report_.suspects.push_back(suspect);
    return {};
  }

  static float similarity_to(const PersonView& view, const face::Embedding& embedding) {
    return view.sum.similarity(embedding.values, embedding.metric).value_or(-1);
  }

  /// The most similar face beside the central one, if it agrees with the person.
  const FaceFacts* face_that_agrees(const PersonView& view, const PhotoFacts& facts) const {
    const FaceFacts* best = nullptr;
    float best_similarity = report_.agreement_similarity;
    for (const FaceFacts& face : std::span(facts.faces).subspan(1)) {
      const float similarity = similarity_to(view, face.embedding);
      if (similarity < best_similarity) continue;
      best = &face;
      best_similarity = similarity;
    }
    return best;
  }

  Result<void> find_other(size_t view_index, const face::Embedding& embedding, Suspect& suspect) {
    const auto candidates = TRY(snapshot_.nearest(embedding, 2));
    for (const gallery::Candidate& candidate : candidates) {
      if (candidate.person_index == view_index) continue;
      suspect.other_person_index =
          people_.photos[views_[candidate.person_index].photos.front()].person_index;
      suspect.other_similarity = candidate.similarity;
      return {};
    }
    return {};
  }

  const LookedPeople& people_;
  std::vector<PersonView> views_;
  gallery::Snapshot snapshot_;
  SuspectReport& report_;
};

}  // namespace

std::string_view to_string(Doubt doubt) {
  switch (doubt) {
    case Doubt::SecondFace:
      return "second_face";
    case Doubt::Mislabelled:
      return "mislabelled";
    case Doubt::Unlike:
      return "unlike";
  }
  return "";
}

Result<SuspectReport> find_suspects(const LookedPeople& people,
                                    const std::optional<face::Calibration>& calibration) {
  const auto policy = TRY(gallery::MatchPolicy::create(calibration));
  const auto agreement =
      TRY(gallery::match_threshold(*calibration, gallery::kAgreementFalseMatchRate));
  SuspectReport report{.suspects = {}, .agreement_similarity = agreement.similarity};
  std::vector<std::vector<size_t>> photos_of(people.people.size());
  for (size_t i = 0; i < people.photos.size(); ++i) {
    if (people.photos[i].facts.faces.empty()) {
      ++report.faceless_count;
    } else {
      photos_of[people.photos[i].person_index].push_back(i);
    }
  }
  std::erase_if(photos_of, [](const auto& photos) { return photos.empty(); });
  if (photos_of.empty()) return report;
  report.other_similarity = policy.identification_threshold(photos_of.size()).similarity;
  const face::Embedding& any = central_embedding(people, photos_of.front().front());
  if (any.model_id != policy.model_id()) {
    return fail(ErrorCode::Conflict, "model_mismatch",
                "the calibration is of model {}, the photos were embedded by {}",
                policy.model_id().hex().substr(0, 12), any.model_id.hex().substr(0, 12));
  }
  std::vector<PersonView> views;
  for (auto& photos : photos_of) {
    PersonView view = TRY(view_of(people, std::move(photos), report.agreement_similarity));
    views.push_back(std::move(view));
  }
  gallery::Snapshot snapshot = snapshot_of(people, views, any);
  Judge judge(people, std::move(views), std::move(snapshot), report);
  TRY(judge.judge_all());
  return report;
}

}  // namespace faceforge::dataset
