#include "cli/command.h"
#include "cli/console.h"
#include "cli/face_drawing.h"
#include "cli/pack_choice.h"
#include "cli/photo_list.h"
#include "cli/photo_run.h"
#include "cli/text.h"
#include "recognition/photo_faces.h"
#include "recognition/report_json.h"

namespace faceforge::cli {
namespace {

struct DetectOptions {
  std::vector<std::string> images;
  std::string draw_folder;
  bool json = false;
  PackChoice pack;
};

std::string faces_text(const std::filesystem::path& file, const recognition::PhotoFaces& photo) {
  const size_t count = photo.faces.size();
  std::string text =
      fmt::format("{}  {}x{}  {}\n", styled(Style::Bold, to_printable(file.string())),
                  photo.width_px, photo.height_px,
                  count == 0 ? "no face" : fmt::format("{} face{}", count, count == 1 ? "" : "s"));
  if (count == 0) return text;
  constexpr auto kRight = Alignment::Right;
  Table table({{"face", kRight},
               {"x", kRight},
               {"y", kRight},
               {"width", kRight},
               {"height", kRight},
               {"score", kRight},
               {"sharpness", kRight},
               {"brightness", kRight},
               {"yaw", kRight},
               {"pitch", kRight},
               {"roll", kRight}});
  for (size_t i = 0; i < count; ++i) {
    const auto& [face, quality, embedding] = photo.faces[i];
    table.add_row(
        {fmt::format("{}", i + 1), fmt::format("{:.0f}", face.box.x),
         fmt::format("{:.0f}", face.box.y), fmt::format("{:.0f}", face.box.width),
         fmt::format("{:.0f}", face.box.height), fmt::format("{:.2f}", face.detection_score),
         fmt::format("{:.0f}", quality.sharpness), fmt::format("{:.2f}", quality.brightness),
         fmt::format("{:.0f}°", quality.yaw_deg), fmt::format("{:.0f}°", quality.pitch_deg),
         fmt::format("{:.0f}°", quality.roll_deg)});
  }
  return text + table.to_text(2);
}

Result<int> run_detect(const DetectOptions& options, const Interrupt& interrupt) {
  const auto files = TRY(list_photos(options.images));
  const auto engine = TRY(open_engine(options.pack));
  const bool drawing = !options.draw_folder.empty();
  if (drawing) TRY(make_drawing_folder(options.draw_folder));
  const auto drawings = drawing_files(files, options.draw_folder);

  const auto detect = [&](const std::filesystem::path& file) -> Result<recognition::PhotoFaces> {
    const auto bytes = TRY(read_photo(file));
    auto photo = TRY(recognition::detect(*engine, bytes));
    if (drawing) {
      std::vector<FaceMark> marks;
      for (const auto& face : photo.faces) {
        marks.push_back({face.face, fmt::format("{:.2f}", face.face.detection_score)});
      }
      auto decoded = TRY(engine->decode(bytes));
      TRY(draw_faces(std::move(decoded), marks, drawings.at(file)));
    }
    return photo;
  };
  const auto as_json = [](const recognition::PhotoFaces& photo) {
    return to_json(photo, recognition::EmbeddingsInJson::LeftOut);
  };
  return print_over_photos(files, interrupt, options.json ? OutputForm::Json : OutputForm::Text,
                           detect, as_json, faces_text)
      .exit_code();
}

}  // namespace

void add_detect_command(CLI::App& app, Chosen& chosen) {
  add_command<DetectOptions>(
      app, chosen, "detect", "Find the faces in photos",
      [](CLI::App& command, DetectOptions& options) {
        command.add_option("IMAGE", options.images, "Photos, or folders of photos")
            ->required()
            ->type_name("FILE");
        command
            .add_option("--draw", options.draw_folder,
                        "Also write each photo into this folder, with boxes, points and scores")
            ->type_name("DIR");
        add_json_option(command, options.json);
        add_pack_options(command, options.pack);
        set_examples(command,
                     "  faceforge detect party.jpg\n"
                     "  faceforge detect --json *.jpg > faces.json\n"
                     "  faceforge detect --draw drawn/ holiday/");
      },
      run_detect);
}

}  // namespace faceforge::cli
