#include "base/file.h"
#include "base/unicode.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/pack_choice.h"
#include "cli/photo_list.h"
#include "cli/photo_run.h"
#include "cli/text.h"
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
  std::string rows;  ///< JSON objects with commas between them

  /// fails: too_large/too_many_embeddings
  Result<void> add(const std::filesystem::path& file, const recognition::PhotoFaces& photo) {
    for (size_t face_index = 0; face_index < photo.faces.size(); ++face_index) {
      const auto& [face, quality, embedding] = photo.faces[face_index];
      const json::object row{{"row", table.row_count},
                             {"image", file.string()},
                             {"face_index", face_index},
                             {"box", recognition::to_json(face.box)},
                             {"detection_score", json::number(face.detection_score)}};
      const std::string text = to_valid_utf8(json::to_text(row));
      const size_t bytes = (table.values.size() + embedding.values.size()) * sizeof(float) +
                           rows.size() + text.size();
      if (bytes > kMaxBytes) {
        return fail(ErrorCode::TooLarge, "too_many_embeddings",
                    "more than {} bytes of embeddings for one file; split the photos", kMaxBytes);
      }
      table.values.insert(table.values.end(), embedding.values.begin(), embedding.values.end());
      if (table.row_count++ > 0) rows += ",\n  ";
      rows += text;
    }
    return {};
  }
};

Result<void> write_matrix(const Matrix& matrix, const recognition::FaceEngine& engine,
                          const std::string& npy_file) {
  AtomicFile npy = TRY(AtomicFile::create(npy_file));
  const std::string header = gallery::npy_header(matrix.table.row_count, matrix.table.column_count);
  TRY(npy.write(std::as_bytes(std::span(header))));
  TRY(npy.write(std::as_bytes(std::span(matrix.table.values))));
  TRY(npy.finish());

  const json::object head{{"model_id", engine.model_id().hex()},
                          {"pack", engine.pack_id()},
                          {"metric", face::to_string(engine.metric())},
                          {"embedding_length", engine.embedding_length()}};
  std::string index = json::to_text(head);
  index.pop_back();  // the brace, to go on within
  index += ",\n \"rows\":[\n  ";
  AtomicFile file = TRY(AtomicFile::create(npy_file + ".json"));
  TRY(file.write(std::as_bytes(std::span(index))));
  TRY(file.write(std::as_bytes(std::span(matrix.rows))));
  TRY(file.write(std::as_bytes(std::span(std::string_view("\n]}\n")))));
  return file.finish();
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
  const bool to_matrix = !options.npy_file.empty();
  if (to_matrix) TRY(file_to_write(options.npy_file));
  if (to_matrix) TRY(file_to_write(options.npy_file + ".json"));
  const auto engine = TRY(open_engine(options.pack));
  const auto embed = [&](const std::filesystem::path& file) -> Result<recognition::PhotoFaces> {
    const auto bytes = TRY(read_photo(file));
    auto photo = TRY(recognition::embed(*engine, bytes));
    if (options.largest && photo.faces.size() > 1) photo.faces.resize(1);  // by falling area
    return photo;
  };
  if (!to_matrix) {
    const auto as_json = [](const recognition::PhotoFaces& photo) {
      return to_json(photo, recognition::EmbeddingsInJson::Included);
    };
    return print_over_photos(files, interrupt, options.json ? OutputForm::Json : OutputForm::Text,
                             embed, as_json, summary_text)
        .exit_code();
  }
  Matrix matrix;
  matrix.table.column_count = static_cast<size_t>(engine->embedding_length());
  const auto run = run_over_photos(files, interrupt, embed,
                                   [&](const auto& file, const auto& photo) -> Result<void> {
                                     if (!photo) return {};
                                     return matrix.add(file, *photo);
                                   });
  const int code = TRY(run.exit_code());
  if (run.done_count == 0) return code;
  TRY(write_matrix(matrix, *engine, options.npy_file));
  note(fmt::format("{} embeddings of {} photos in {} and {}.json\n", matrix.table.row_count,
                   run.done_count, to_printable(options.npy_file), to_printable(options.npy_file)));
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
