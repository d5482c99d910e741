#include "cli/command.h"
#include "cli/console.h"
#include "cli/pack_choice.h"
#include "cli/photo_list.h"
#include "cli/photo_run.h"
#include "gallery/npy.h"
#include "recognition/photo_faces.h"
#include "recognition/report_json.h"

namespace faceforge::cli {
namespace {

struct EmbedOptions {
  std::vector<std::string> images;
  std::string npy_file;
  bool json = false;
  bool largest = false;
  PackChoice pack;
};

/// Every embedding of the run, for `--npy`: a matrix, and what each of its rows is.
struct Matrix {
  static constexpr size_t kMaxBytes = size_t{4} << 30;

  gallery::FloatTable table;
  json::array rows;

  /// fails: too_large/too_many_embeddings
  Result<void> add(const std::filesystem::path& file, const recognition::PhotoFaces& photo) {
    for (size_t face_index = 0; face_index < photo.faces.size(); ++face_index) {
      const auto& [face, quality, embedding] = photo.faces[face_index];
      if ((table.values.size() + embedding.values.size()) * sizeof(float) > kMaxBytes) {
        return fail(ErrorCode::TooLarge, "too_many_embeddings",
                    "more than {} bytes of embeddings for one file; split the photos", kMaxBytes);
      }
      table.values.insert(table.values.end(), embedding.values.begin(), embedding.values.end());
      rows.push_back(json::object{{"row", table.row_count++},
                                  {"image", to_valid_utf8(file.string())},
                                  {"face_index", face_index},
                                  {"box", recognition::to_json(face.box)},
                                  {"detection_score", json::number(face.detection_score)}});
    }
    return {};
  }
};

Result<void> write_matrix(const Matrix& matrix, const recognition::FaceEngine& engine,
                          const std::string& npy_file) {
  const json::object index{{"model_id", engine.model_id().hex()},
                           {"pack", engine.pack_id()},
                           {"metric", face::to_string(engine.metric())},
                           {"embedding_length", engine.embedding_length()},
                           {"rows", matrix.rows}};
  TRY(write_file_atomically(npy_file, gallery::write_npy(matrix.table)));
  return write_file_atomically(npy_file + ".json", json::to_pretty_text(index));
}

std::string summary_text(const std::filesystem::path& file, const recognition::PhotoFaces& photo) {
  std::string text = fmt::format("{}  {} face{}", to_printable(file.string()), photo.faces.size(),
                                 photo.faces.size() == 1 ? "" : "s");
  for (const auto& face : photo.faces) {
    text +=
        fmt::format("{}{:.0f}x{:.0f} at {:.0f},{:.0f}", &face == photo.faces.data() ? "  " : "; ",
                    face.face.box.width, face.face.box.height, face.face.box.x, face.face.box.y);
  }
  return text + "\n";
}

Result<int> run_embed(const EmbedOptions& options, const Interrupt& interrupt) {
  const auto files = TRY(list_photos(options.images));
  const auto engine = TRY(open_engine(options.pack));
  const auto embed = [&](const std::filesystem::path& file) -> Result<recognition::PhotoFaces> {
    const auto bytes = TRY(read_photo(file));
    auto photo = TRY(recognition::embed(*engine, bytes));
    if (options.largest && photo.faces.size() > 1) photo.faces.resize(1);  // by falling area
    return photo;
  };
  std::optional<JsonArrayPrinter> array;
  if (options.json) array.emplace();
  Matrix matrix;
  matrix.table.column_count = static_cast<size_t>(engine->embedding_length());
  Result<void> collected;
  const auto run = run_over_photos(
      files, interrupt, embed,
      [&](const auto& file, const auto& photo) {
        if (array) {
          array->add(with_image(file, to_json(photo, recognition::EmbeddingsInJson::Included)));
        } else if (options.npy_file.empty()) {
          print(summary_text(file, photo));
        }
        if (!options.npy_file.empty() && collected) collected = matrix.add(file, photo);
      },
      [&](const auto& file, const Error& error) {
        if (array) array->add(failed_image_json(file, error));
      });
  const int code = TRY(run.exit_code());
  TRY(std::move(collected));
  if (!options.npy_file.empty() && run.done_count > 0) {
    TRY(write_matrix(matrix, *engine, options.npy_file));
    note(fmt::format("{} embeddings of {} photos in {} and {}.json\n", matrix.rows.size(),
                     run.done_count, to_printable(options.npy_file),
                     to_printable(options.npy_file)));
  }
  return code;
}

}  // namespace

void add_embed_command(CLI::App& app, Chosen& chosen) {
  add_command<EmbedOptions>(
      app, chosen, "embed", "Turn the faces in photos into embeddings",
      [](CLI::App& command, EmbedOptions& options) {
        command.add_option("IMAGE_OR_DIR", options.images, "Photos, or folders of photos")
            ->required()
            ->type_name("FILE");
        auto* json =
            command.add_flag("--json", options.json, "Print JSON (docs/cli.md) instead of text");
        command
            .add_option("--npy", options.npy_file,
                        "Write a NumPy matrix, a row a face, and FILE.json: what each row is")
            ->type_name("FILE")
            ->excludes(json);
        command.add_flag("--largest", options.largest, "Only the largest face of each photo");
        add_pack_options(command, options.pack);
        set_examples(command,
                     "  faceforge embed portrait.jpg --json\n"
                     "  faceforge embed people/ --npy people.npy --largest\n"
                     "  python3 -c 'import numpy; print(numpy.load(\"people.npy\").shape)'");
      },
      run_embed);
}

}  // namespace faceforge::cli
