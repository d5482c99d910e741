// The program behind bench/photo: a photo of 12 megapixels with three faces to three embeddings,
// and detectors at 640 pixels with all that is not their network, against OpenCV turn by turn.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "image/encode.h"
#include "image/resample.h"
#include "nn/network.h"
#include "nn/openmp_waiting.h"
#include "packs/card.h"
#include "photo_opencv.h"
#include "quantile.h"
#include "stopwatch.h"
#include "support/test_data.h"
#include "vision/internal/composed_photos.h"
#include "vision/internal/input_tensor.h"
#include "vision/internal/test_packs.h"
#include "vision/photo_look.h"

namespace {

namespace fs = std::filesystem;
using namespace faceforge;
using bench::median;
using bench::quantile;
using bench::Stopwatch;

constexpr std::string_view kUsage =
    "usage: bench/photo [--quick] [--threads 1|2|1,2] [--rounds N] [--json FILE] [--bytes-pack "
    "DIR]\n";

/// Threads of one runtime spin for a moment after their work; the next one shall not feel it.
constexpr std::chrono::milliseconds kRest{10};

struct Options {
  std::vector<int> thread_counts = {1, 2};
  int round_count = 15;
  fs::path json_file;
  fs::path bytes_pack;  ///< scrfd-mbf on bytes; empty to leave it out
};

std::optional<Options> read_options(std::span<char*> arguments) {
  Options options;
  for (size_t index = 1; index < arguments.size(); ++index) {
    const std::string_view name = arguments[index];
    if (name == "--quick") {
      options.round_count = 7;
      continue;
    }
    if (index + 1 == arguments.size()) return std::nullopt;
    const std::string value = arguments[++index];
    if (name == "--threads") {
      if (value != "1" && value != "2" && value != "1,2") return std::nullopt;
      if (value != "1,2") options.thread_counts = {value == "1" ? 1 : 2};
    } else if (name == "--rounds") {
      options.round_count = std::clamp(std::atoi(value.c_str()), 1, 1000);
    } else if (name == "--json") {
      options.json_file = value;
    } else if (name == "--bytes-pack") {
      options.bytes_pack = value;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

/// Bug or broken set-up: the benchmark has no caller to tell.
template <typename Value>
Value must(Result<Value> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "photo: {}: {}\n", result.error().reason, result.error().message);
  std::exit(1);
}

/// Three LFW faces, 300 to 500 px wide, before a textured wall of 4000 x 3000.
image::Image compose_photo(const fs::path& data, const vision::Pipeline& pipeline) {
  struct Place {
    int left;
    int top;
    int side_px;
  };
  constexpr std::array<Place, 3> kPlaces = {
      {{300, 700, 1000}, {1600, 400, 1300}, {3150, 1500, 800}}};
  image::Image photo = vision::test::textured_background(4000, 3000, 1);
  size_t index = 0;
  for (const fs::path& file : vision::test::lfw_photos(data, 20, 5)) {
    if (index == kPlaces.size()) break;
    const image::Photo alone = vision::test::read_photo(file);
    if (must(pipeline.detect(alone)).size() != 1) continue;
    const auto& [left, top, side_px] = kPlaces[index++];
    const image::Image person = image::resize(alone.image, side_px, side_px);
    for (int row = 0; row < side_px; ++row) {
      std::ranges::copy(
          person.row(row),
          photo.row(top + row).subspan(static_cast<size_t>(left) * image::kChannels).begin());
    }
  }
  return photo;
}

/// Times of one contestant, or of its stages, a round each.
struct Times {
  std::vector<double> total_ms;
  std::array<std::vector<double>, 4> stages_ms;  // decode, detect, align, embed

  void add(const std::array<double, 4>& stages) {
    total_ms.push_back(std::accumulate(stages.begin(), stages.end(), 0.0));
    for (size_t stage = 0; stage < stages.size(); ++stage) {
      stages_ms[stage].push_back(stages[stage]);
    }
  }

  [[nodiscard]] json::object stage_medians() const {
    constexpr std::array<const char*, 4> kNames = {"decode", "detect", "align", "embed"};
    json::object medians;
    for (size_t stage = 0; stage < kNames.size(); ++stage) {
      medians[kNames[stage]] = median(stages_ms[stage]);
    }
    return medians;
  }
};

struct OurFaces {
  std::vector<face::Embedding> embeddings;
  std::array<double, 4> stages_ms{};
};

/// What `vision::look_at` and the use cases behind it do, stage by stage.
OurFaces run_ours(const vision::Pipeline& pipeline, std::span<const std::byte> file) {
  OurFaces result;
  Stopwatch stopwatch;
  const image::Photo photo =
      must(image::decode(file, {}, vision::kEnoughSide_px, pipeline.thread_count()));
  result.stages_ms[0] = stopwatch.lap_ms();
  const auto faces = must(pipeline.detect(photo));
  const bool is_short = std::ranges::any_of(faces, [&](const face::DetectedFace& face) {
    return pipeline.is_short_of_pixels(photo, face);
  });
  if (is_short) must<int>(fail(ErrorCode::Internal, "photo", "a face is short of pixels"));
  result.stages_ms[1] = stopwatch.lap_ms();
  std::vector<face::AlignedFace> aligned;
  for (const face::DetectedFace& face : faces) {
    aligned.push_back(must(pipeline.align(photo, face)));
    (void)pipeline.quality(photo, face, aligned.back());
  }
  result.stages_ms[2] = stopwatch.lap_ms();
  result.embeddings = must(pipeline.embed(aligned));
  result.stages_ms[3] = stopwatch.lap_ms();
  return result;
}

/// Both must have found the same three people, else their times say nothing.
void check_same_people(const OurFaces& ours, const bench::OpencvFaces& theirs) {
  const auto same = [&](const face::Embedding& embedding) {
    return std::ranges::any_of(theirs.embeddings, [&](const std::vector<float>& other) {
      return std::inner_product(other.begin(), other.end(), embedding.values.begin(), 0.0) > 0.9;
    });
  };
  if (ours.embeddings.size() == 3 && theirs.embeddings.size() == 3 &&
      std::ranges::all_of(ours.embeddings, same)) {
    return;
  }
  must<int>(fail(ErrorCode::Internal, "photo",
                 "{} faces of ours and {} of OpenCV are not the same 3", ours.embeddings.size(),
                 theirs.embeddings.size()));
}

json::object row_of(const std::string& name, const std::vector<double>& ours_ms,
                    const std::string& rival, const std::vector<double>& rival_ms,
                    int thread_count) {
  std::vector<double> ratios;
  for (size_t round = 0; round < ours_ms.size(); ++round) {
    ratios.push_back(rival_ms[round] / ours_ms[round]);
  }
  const json::object row{{"name", name},
                         {"ours_ms", median(ours_ms)},
                         {"rival", rival},
                         {"rival_ms", median(rival_ms)},
                         {"ratio", median(ratios)},
                         {"threads", thread_count},
                         {"batch", 1},
                         {"ratio_low", quantile(ratios, 0.25)},
                         {"ratio_high", quantile(ratios, 0.75)}};
  fmt::print(
      "{}: FaceForge {:.1f} ms, {} {:.1f} ms, ratio {:.2f} ({:.2f} to {:.2f}), {} thread(s)\n",
      name, median(ours_ms), rival, median(rival_ms), median(ratios), quantile(ratios, 0.25),
      quantile(ratios, 0.75), thread_count);
  return row;
}

void print_stages(std::string_view whose, const json::object& stages) {
  fmt::print("  {}: {}\n", whose, json::to_text(stages));
}

json::object time_photo(std::string_view precision, const vision::Pipeline& pipeline,
                        bench::OpencvPipeline& opencv, bench::OpencvReading reading,
                        std::span<const std::byte> file, int thread_count, int round_count) {
  Times ours;
  Times theirs;
  // The first round compiles programs and is not counted.
  for (int round = -1; round < round_count; ++round) {
    std::this_thread::sleep_for(kRest);
    const OurFaces our_faces = run_ours(pipeline, file);
    std::this_thread::sleep_for(kRest);
    const bench::OpencvFaces their_faces = must(opencv.run(file, reading));
    check_same_people(our_faces, their_faces);
    if (round < 0) continue;
    ours.add(our_faces.stages_ms);
    theirs.add(
        {their_faces.decode_ms, their_faces.detect_ms, their_faces.align_ms, their_faces.embed_ms});
  }
  const bool halved = reading == bench::OpencvReading::Halved;
  json::object row = row_of(
      fmt::format("12-megapixel photo, 3 faces to 3 embeddings, {}", precision), ours.total_ms,
      fmt::format("OpenCV {} dnn{}", bench::OpencvPipeline::version(),
                  halved ? ", photo halved while decoding" : ""),
      theirs.total_ms, thread_count);
  row["ours_stages_ms"] = ours.stage_medians();
  row["rival_stages_ms"] = theirs.stage_medians();
  print_stages("FaceForge", row["ours_stages_ms"].as_object());
  print_stages("OpenCV", row["rival_stages_ms"].as_object());
  return row;
}

image::Image with_blue_first(image::Image image) {
  const auto pixels = image.pixels();
  for (size_t at = 0; at < pixels.size(); at += image::kChannels) {
    std::swap(pixels[at], pixels[at + 2]);
  }
  return image;
}

/// A detector at 640 x 640 from pixels to faces, beside its network alone; SCRFD beside OpenCV too.
json::object time_detector(std::string_view name, const vision::Pipeline& pipeline,
                           const image::Image& image, bench::OpencvPipeline* opencv,
                           int thread_count, int round_count) {
  const image::Photo photo = vision::test::as_photo(image.clone());
  const image::Image blue_first = with_blue_first(image.clone());
  const vision::DetectorSpec& spec = pipeline.spec().detector;
  const nn::Network network = must(nn::Network::load(spec.file));
  nn::Tensor input = vision::black_input(1, image.width_px(), image.height_px(), spec.input);
  vision::place_pixels(image, {0, 0, image.width_px(), image.height_px()}, spec.input, {}, input);
  vision::DetectOptions at_one_scale;
  at_one_scale.scale_search = vision::ScaleSearch::Single;
  std::vector<double> ours_ms;
  std::vector<double> network_ms;
  std::vector<double> rival_ms;
  for (int round = -1; round < 3 * round_count; ++round) {
    std::this_thread::sleep_for(kRest);
    Stopwatch stopwatch;
    must(pipeline.detect(photo, at_one_scale));
    const double ours = stopwatch.lap_ms();
    must(network.run(input, {.thread_count = thread_count}));
    const double network_alone = stopwatch.lap_ms();
    if (opencv != nullptr) std::this_thread::sleep_for(kRest);
    (void)stopwatch.lap_ms();
    if (opencv != nullptr) must(opencv->detect(blue_first));
    const double rival = stopwatch.lap_ms();
    if (round < 0) continue;
    ours_ms.push_back(ours);
    network_ms.push_back(network_alone);
    rival_ms.push_back(rival);
  }
  const std::string title = fmt::format("{} from pixels of 640 to faces", name);
  json::object row =
      opencv != nullptr
          ? row_of(title, ours_ms, fmt::format("OpenCV {} dnn", bench::OpencvPipeline::version()),
                   rival_ms, thread_count)
          : json::object{{"name", title},    {"ours_ms", median(ours_ms)},
                         {"rival", nullptr}, {"rival_ms", nullptr},
                         {"ratio", nullptr}, {"threads", thread_count},
                         {"batch", 1}};
  std::vector<double> outside_ms;
  for (size_t round = 0; round < ours_ms.size(); ++round) {
    outside_ms.push_back(ours_ms[round] - network_ms[round]);
  }
  row["network_ms"] = median(network_ms);
  row["outside_network_ms"] = median(outside_ms);
  fmt::print("{}: {:.2f} ms, its network alone {:.2f} ms, outside of it {:.2f} ms, {} thread(s)\n",
             title, median(ours_ms), median(network_ms), median(outside_ms), thread_count);
  return row;
}

json::array run_all(const Options& options, const fs::path& data) {
  const auto finder =
      must(vision::Pipeline::load(vision::test::pack_spec(data, "scrfd-mbf"), {.thread_count = 1}));
  const image::Image composed = compose_photo(data, *finder);
  const std::vector<std::byte> file = must(image::encode_jpeg(composed, 89));
  const image::Image square = image::resize(composed, 640, 640);
  fmt::print("the photo: {} x {}, a JPEG of {:.1f} MB\n", composed.width_px(), composed.height_px(),
             static_cast<double>(file.size()) / 1e6);
  json::array rows;
  for (const int thread_count : options.thread_counts) {
    const auto load = [&](const vision::PipelineSpec& spec) {
      return must(vision::Pipeline::load(spec, {.thread_count = thread_count}));
    };
    const auto floats = load(vision::test::pack_spec(data, "scrfd-mbf"));
    const auto opencv =
        must(bench::OpencvPipeline::load(data / "odd" / "scrfd_2.5g_static640.onnx",
                                         floats->spec().embedders[0].file, thread_count));
    const auto time_scrfd = [&](std::string_view precision, const vision::Pipeline& pipeline) {
      for (const auto reading : {bench::OpencvReading::Whole, bench::OpencvReading::Halved}) {
        rows.push_back(time_photo(precision, pipeline, *opencv, reading, file, thread_count,
                                  options.round_count));
      }
      rows.push_back(time_detector(fmt::format("SCRFD-2.5G {}", precision), pipeline, square,
                                   opencv.get(), thread_count, options.round_count));
    };
    time_scrfd("fp32", *floats);
    if (!options.bytes_pack.empty()) {
      const packs::Card card = must(packs::read_card(options.bytes_pack));
      time_scrfd("int8", *load(packs::pipeline_spec(card, options.bytes_pack)));
    }
    for (const auto& [name, pack_id] :
         {std::pair("RetinaFace fp32", "retinaface-mbf"), std::pair("YuNet fp32", "yunet-mbf")}) {
      rows.push_back(time_detector(name, *load(vision::test::pack_spec(data, pack_id)), square,
                                   nullptr, thread_count, options.round_count));
    }
  }
  return rows;
}

}  // namespace

int main(int argument_count, char** arguments) {
  nn::choose_openmp_waiting(arguments);
  const auto options = read_options(std::span(arguments, static_cast<size_t>(argument_count)));
  if (!options) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  const auto data = test::test_data();
  if (!data) {
    fmt::print(stderr, "photo: FACEFORGE_TEST_DATA is not there\n");
    return 2;
  }
  const json::array rows = run_all(*options, *data);
  if (!options->json_file.empty()) {
    const std::string text = json::to_pretty_text(rows);
    const auto written = write_file_atomically(options->json_file, std::as_bytes(std::span(text)));
    if (!written) {
      fmt::print(stderr, "photo: {}\n", written.error().message);
      return 1;
    }
  }
  return 0;
}
