#include "evaluate/quantize.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/without_throwing.h"
#include "evaluate/network_answers.h"
#include "nn/network.h"

namespace faceforge::evaluate {
namespace {

namespace fs = std::filesystem;

/// Pictures that measure each layer of a scan, and the numbers in all of them together: a tile of a
/// large photo has eighty times those of a crop.
constexpr size_t kScanExampleLimit = 32;
constexpr size_t kScanNumberLimit = 24'000'000;

/// For runs one after the other: all cores share each.
int shared_thread_count() {
  return static_cast<int>(std::min<size_t>(every_core(), 64));
}

Unexpected stopped(std::string_view where) {
  return fail(ErrorCode::Cancelled, "cancelled", "stopped while {}", where);
}

/// A network on its way: what it was shown.
struct Subject {
  fs::path file;
  NetworkKind kind;
  const vision::EmbedderSpec* embedder;  ///< the first that uses the file; null: the detector
  nn::Quantizer quantizer;
  std::vector<nn::Tensor> held_out = {};

  void keep(const nn::Tensor& input, size_t example_limit) {
    size_t number_count = input.values.size();
    for (const nn::Tensor& kept : held_out) number_count += kept.values.size();
    if (held_out.size() < example_limit && (number_count <= kScanNumberLimit || held_out.empty())) {
      held_out.push_back(input);
    }
  }
};

/// The subjects of a pack. Embedders that share a file share its subject.
struct Subjects {
  std::vector<Subject> all;                   ///< the detector first
  std::vector<size_t> embedder_subject = {};  ///< one an embedder

  static Result<Subjects> load(const vision::PipelineSpec& spec) {
    Subjects subjects;
    auto detector = TRY(nn::Quantizer::load(spec.detector.file));
    subjects.all.push_back(
        {spec.detector.file, NetworkKind::Detector, nullptr, std::move(detector)});
    for (const vision::EmbedderSpec& embedder : spec.embedders) {
      const auto known = std::ranges::find(subjects.all, embedder.file, &Subject::file);
      subjects.embedder_subject.push_back(static_cast<size_t>(known - subjects.all.begin()));
      if (known != subjects.all.end()) continue;
      auto quantizer = TRY(nn::Quantizer::load(embedder.file));
      subjects.all.push_back(
          {embedder.file, NetworkKind::Embedder, &embedder, std::move(quantizer)});
    }
    return subjects;
  }
};

/// What becomes of each input: its subject, and itself.
using TakeInput = std::function<Result<void>(Subject&, const nn::Tensor&)>;

/// Photos that were looked at, and those among them with a face.
struct Looked {
  std::vector<fs::path> with_face;
  size_t faceless_count = 0;
  std::vector<std::string> unusable;
};

/// Looks at photos until enough have shown a face.
Result<Looked> look(const vision::Pipeline& pipeline, std::span<const fs::path> photos,
                    size_t photo_limit, Subjects& subjects, const TakeInput& take_input,
                    const Supervision& supervision) {
  Looked looked;
  std::optional<Error> refused;  // of an input: the network's fault, not the photo's
  const auto shown = [&](Subject& subject, const nn::Tensor& input) -> Result<void> {
    auto taken = take_input(subject, input);
    if (!taken) refused = taken.error();
    return taken;
  };
  const InputObservers observers{
      .on_detector_input =
          [&](size_t, const nn::Tensor& input) { return shown(subjects.all.front(), input); },
      .on_embedder_input =
          [&](size_t index, const nn::Tensor& input) {
            return shown(subjects.all[subjects.embedder_subject[index]], input);
          }};
  for (const fs::path& photo : photos) {
    if (looked.with_face.size() == photo_limit) break;
    if (supervision.stop.stop_requested()) return stopped("looking at the range photos");
    const image::DecodeLimits limits;
    const auto bytes = read_file(photo, limits.bytes);
    const auto embedded = bytes ? embed_central_face(pipeline, *bytes, limits, observers)
                                : Result<PhotoEmbedding>(Unexpected(bytes.error()));
    if (refused) return Unexpected(*refused);
    if (!embedded) {
      looked.unusable.push_back(photo.parent_path().filename().string() + "/" +
                                photo.filename().string() + ": " + embedded.error().message);
    } else if (embedded->embedding) {
      looked.with_face.push_back(photo);
      if (supervision.report) supervision.report(looked.with_face.size(), photo_limit);
    } else {
      ++looked.faceless_count;
    }
  }
  return looked;
}

Result<void> check_enough(const Looked& looked, std::string_view purpose) {
  const size_t count = looked.with_face.size();
  if (count == 0) {
    return fail(ErrorCode::NotFound, "no_face_in_range_photos",
                "no face in any of the {} range photos that {}",
                looked.faceless_count + looked.unusable.size(), purpose);
  }
  if (count < kMinRangePhotos) {
    return fail(ErrorCode::InvalidInput, "too_few_range_photos",
                "{} range photos with a face {}; at least {} are needed, and as many of other "
                "people",
                count, purpose, kMinRangePhotos);
  }
  return {};
}

/// Compares detectors with the one on floats, on photos held out.
class DetectorJudge {
 public:
  static Result<DetectorJudge> create(const vision::Pipeline& parent,
                                      std::span<const fs::path> photos, fs::path candidate_file,
                                      std::stop_token stop) {
    // The photos share the cores, a thread each.
    DetectorJudge judge(parent.with_threads(1), photos, std::move(candidate_file), std::move(stop));
    judge.parents_ = TRY(judge.detect_all(*judge.parent_));
    return judge;
  }

  Result<DetectionAgreement> agreement_of(std::span<const std::byte> onnx) const {
    TRY(write_file_atomically(candidate_file_, onnx));
    const auto candidate = TRY(parent_->with_detector(candidate_file_));
    const auto others = TRY(detect_all(*candidate));
    DetectionAgreement agreement;
    for (size_t photo = 0; photo < photos_.size(); ++photo) {
      add_photo(parents_[photo], others[photo], parent_->spec().detector.min_detection_score,
                agreement);
    }
    return agreement;
  }

 private:
  using Faces = std::vector<face::DetectedFace>;

  DetectorJudge(std::shared_ptr<const vision::Pipeline> parent, std::span<const fs::path> photos,
                fs::path candidate_file, std::stop_token stop)
      : parent_(std::move(parent)),
        photos_(photos.begin(), photos.end()),
        candidate_file_(std::move(candidate_file)),
        stop_(std::move(stop)) {}

  Result<std::vector<Faces>> detect_all(const vision::Pipeline& pipeline) const {
    std::vector<Result<Faces>> found(photos_.size());
    const auto detect = [&](size_t index) {
      found[index] = without_throwing([&]() -> Result<Faces> {
        const image::DecodeLimits limits;
        const auto bytes = TRY(read_file(photos_[index], limits.bytes));
        const image::Photo photo = TRY(image::decode(bytes, limits));
        return pipeline.detect(photo);
      });
    };
    TRY(work_through(photos_.size(), detect, every_core(), {.report = {}, .stop = stop_}));
    std::vector<Faces> faces;
    for (Result<Faces>& result : found) faces.push_back(TRY(std::move(result)));
    return faces;
  }

  std::shared_ptr<const vision::Pipeline> parent_;
  std::vector<fs::path> photos_;
  fs::path candidate_file_;
  std::stop_token stop_;
  std::vector<Faces> parents_;
};

Result<NetworkAnswers> answers_of(Subject& subject) {
  const auto network = TRY(nn::Network::load(subject.file));
  std::vector<nn::Tensor> inputs = std::move(subject.held_out);
  const vision::EmbedderSpec* embedder = subject.embedder;
  if (embedder != nullptr && !embedder->output_mean.empty()) {
    return NetworkAnswers::of(network, std::move(inputs), embedder->output_mean);
  }
  const bool length_counts =
      embedder != nullptr && embedder->normalization == vision::OutputNormalization::None;
  return NetworkAnswers::of(network, std::move(inputs),
                            length_counts ? AnswerCentre::Mean : AnswerCentre::Zero);
}

Result<QuantizedNetwork> quantize_embedder(Subject& subject, const Supervision& supervision) {
  const NetworkAnswers answers = TRY(answers_of(subject));
  const auto judge = [&](std::span<const std::byte> onnx) -> Result<Judgement> {
    const double cosine = TRY(answers.mean_cosine(onnx, answers.example_count()));
    return Judgement{.loss = 1 - cosine, .is_within_bounds = cosine >= kWantedMeanCosine};
  };
  QuantizedNetwork made{.file = subject.file, .kind = subject.kind, .choice = {}};
  const MeasureLayer measure_layer = [&](std::span<const std::byte> onnx) -> Result<LayerLoss> {
    // Half the squared distance of embeddings of length 1: it adds up as it is.
    const double loss = 1 - TRY(answers.mean_cosine(onnx, kScanExampleLimit));
    return LayerLoss{.loss = loss, .variance = loss};
  };
  made.choice = TRY(choose_layers(subject.quantizer, judge, measure_layer, supervision));
  made.mean_cosine = 1 - made.choice.judgement.loss;
  return made;
}

Result<QuantizedNetwork> quantize_detector(Subject& subject, const DetectorJudge& detector_judge,
                                           const Supervision& supervision) {
  const NetworkAnswers answers = TRY(answers_of(subject));
  const auto judge = [&](std::span<const std::byte> onnx) -> Result<Judgement> {
    const DetectionAgreement agreement = TRY(detector_judge.agreement_of(onnx));
    return Judgement{.loss = loss_of(agreement), .is_within_bounds = is_within_bounds(agreement)};
  };
  QuantizedNetwork made{.file = subject.file, .kind = subject.kind, .choice = {}};
  const MeasureLayer measure_layer = [&](std::span<const std::byte> onnx) -> Result<LayerLoss> {
    const DetectionAgreement agreement = TRY(detector_judge.agreement_of(onnx));
    return LayerLoss{.loss = loss_of(agreement), .variance = variance_of(agreement)};
  };
  made.choice = TRY(choose_layers(subject.quantizer, judge, measure_layer, supervision));
  if (made.choice.onnx.empty()) return made;
  made.mean_cosine = TRY(answers.mean_cosine(made.choice.onnx, answers.example_count()));
  made.agreement = TRY(detector_judge.agreement_of(made.choice.onnx));
  return made;
}

}  // namespace

Result<QuantizedNetworks> quantize_networks(const vision::PipelineSpec& spec,
                                            const RangePhotos& photos, const fs::path& scratch,
                                            const BeginPhase& begin_phase) {
  Subjects subjects = TRY(Subjects::load(spec));
  const auto pipeline = TRY(vision::Pipeline::load(spec, {.thread_count = shared_thread_count()}));
  const TakeInput observe = [](Subject& subject, const nn::Tensor& input) {
    return subject.quantizer.observe(input, {.thread_count = shared_thread_count()});
  };
  const TakeInput keep = [](Subject& subject, const nn::Tensor& input) -> Result<void> {
    subject.keep(input, kHeldOutPhotoLimit);
    return {};
  };
  Looked observed = TRY(look(*pipeline, photos.observed, kObservedPhotoLimit, subjects, observe,
                             begin_phase("channels")));
  TRY(check_enough(observed, "show the ranges"));
  for (Subject& subject : subjects.all) TRY(subject.quantizer.equalize());
  TRY(look(*pipeline, observed.with_face, kObservedPhotoLimit, subjects, observe,
           begin_phase("ranges")));
  Looked held_out = TRY(look(*pipeline, photos.held_out, kHeldOutPhotoLimit, subjects, keep,
                             begin_phase("held-out photos")));
  TRY(check_enough(held_out, "judge them"));
  QuantizedNetworks made{.networks = {},
                         .observed_photo_count = observed.with_face.size(),
                         .held_out_photo_count = held_out.with_face.size(),
                         .faceless_count = observed.faceless_count + held_out.faceless_count,
                         .unusable = std::move(observed.unusable)};
  std::ranges::move(held_out.unusable, std::back_inserter(made.unusable));
  for (Subject& subject : subjects.all) {
    const Supervision supervision = begin_phase(subject.file.filename().string());
    if (subject.kind == NetworkKind::Embedder) {
      made.networks.push_back(TRY(quantize_embedder(subject, supervision)));
      continue;
    }
    const auto judge = TRY(DetectorJudge::create(*pipeline, held_out.with_face,
                                                 scratch / "candidate.onnx", supervision.stop));
    made.networks.push_back(TRY(quantize_detector(subject, judge, supervision)));
  }
  std::error_code ignored;
  fs::remove(scratch / "candidate.onnx", ignored);
  if (std::ranges::all_of(made.networks, [](const QuantizedNetwork& network) {
        return network.choice.onnx.empty();
      })) {
    return fail(ErrorCode::Unsupported, "nothing_to_quantize",
                "no layer of the networks of `{}` can run on bytes without harm", spec.pack_id);
  }
  return made;
}

}  // namespace faceforge::evaluate
