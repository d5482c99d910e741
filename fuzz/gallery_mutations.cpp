// Reads damaged gallery models and tables: faceforge_fuzz_gallery [COUNT] [SEED]
//
// A `.ffg` file is a zip with checksums, so next to damaged bytes there are files whose manifest or
// tables say something else and whose checksums are right. What is read is searched, for a Snapshot
// relies on what the reader checks.

#include "archive/zip.h"
#include "base/json.h"
#include "base/sha256.h"
#include "gallery/model_file.h"
#include "gallery/npy.h"
#include "gallery/snapshot.h"
#include "json_mutation.h"
#include "reader.h"

namespace faceforge {
namespace {

using fuzz::Bytes;

gallery::GalleryModel sample(face::Metric metric) {
  gallery::GalleryModel model;
  model.model_id = face::ModelId("0123abcd");
  model.metric = metric;
  model.embedding_length = 2;
  model.pack_id = "test-pack";
  model.trained_ms = 1'700'000'000'000;
  face::Calibration calibration;
  calibration.model_id = model.model_id;
  calibration.impostor_pair_count = 1'000;
  calibration.points = {{0.01, 0.2F}, {0.001, 0.3F}};
  calibration.tail_slope = -23;
  calibration.ambiguity_margin = 0.1F;
  model.calibration = calibration;
  model.people.push_back({.name = "Ada",
                          .photo_count = 2,
                          .spread = 0.125F,
                          .mean = {1, 0},
                          .references = {{"a.jpg", {}, {0.8F, 0.6F}}, {"b.jpg", {}, {1, 0}}}});
  model.people.push_back({.name = "Bob", .photo_count = 1, .mean = {0.6F, 0.8F}});
  return model;
}

gallery::GalleryModel sample_with_head(face::Metric metric) {
  gallery::GalleryModel model = sample(metric);
  model.people[1].references.push_back({"c.jpg", {}, {0.6F, 0.8F}});
  gallery::PersonalHead head{.matrix = {2, 2, {1, 0.25F, -0.5F, 1}}};
  head.model_id = gallery::head_model_id(model.model_id, head.matrix);
  head.calibration = *model.calibration;
  head.calibration.model_id = head.model_id;
  head.trial.with_head.emplace();
  model.head = head;
  return model;
}

Error read_model(const Bytes& file) {
  const auto model = gallery::read_model(
      file, {.file_bytes = 1 << 20, .unpacked_bytes = 1 << 20, .manifest_bytes = 1 << 20});
  if (!model) return model.error();
  const gallery::Snapshot snapshot(*model);
  CHECK(snapshot.person_count() == model->people.size());
  const face::Embedding question{
      .model_id = model->model_id,
      .metric = model->metric,
      .values = std::vector<float>(static_cast<size_t>(model->embedding_length), 0.5F)};
  CHECK(snapshot.nearest(question, 5).has_value());
  CHECK(gallery::write_model(*model).has_value());
  return {};
}

/// Names a head's space by its matrix, whatever that is now.
void name_head(json::object& manifest, const archive::ZipEntries& entries) {
  const auto file = entries.find("head.npy");
  if (file == entries.end()) return;
  const auto matrix = gallery::read_npy(file->second);
  if (!matrix) return;
  const face::ModelId base{json::string_field(manifest, "model_id").value()};
  const std::string name = gallery::head_model_id(base, *matrix).hex();
  auto& head = manifest.at("head").as_object();
  head["model_id"] = name;
  if (head["calibration"].is_object()) head["calibration"].as_object()["model_id"] = name;
}

/// Changes the manifest or a table, and makes the checksums right.
Bytes change_model(const Bytes& file, std::mt19937_64& random) {
  auto entries = archive::read_zip(file, {}).value();
  for (auto& [name, contents] : entries) {
    if (name.ends_with(".npy") && random() % 2 == 0) {
      contents = fuzz::mutate(contents, contents, random);
    }
  }
  auto manifest = json::parse(fuzz::to_text(entries.at("manifest.json"))).value();
  name_head(manifest.as_object(), entries);
  for (auto& file_of : manifest.as_object().at("files").as_object()) {
    const auto& contents = entries.at(std::string(file_of.key()));
    file_of.value().as_object()["sha256"] = to_hex(sha256(std::span(contents)));
  }
  std::string text = json::to_text(manifest);
  if (random() % 2 == 0) text = fuzz::JsonMutator(random)(text);
  entries["manifest.json"] = fuzz::to_bytes(text);
  return archive::write_zip(entries).value();
}

Error read_npy(const Bytes& file) {
  const auto table = gallery::read_npy(file);
  if (!table) return table.error();
  CHECK(table->values.size() == table->row_count * table->column_count);
  CHECK(table->values.size() * sizeof(float) <= file.size());
  return {};
}

}  // namespace
}  // namespace faceforge

int main(int argc, char** argv) {
  namespace gallery = faceforge::gallery;
  return faceforge::fuzz::fuzz_readers(
      {{.name = "gallery model",
        .originals =
            {gallery::write_model(faceforge::sample(faceforge::face::Metric::Cosine)).value(),
             gallery::write_model(faceforge::sample(faceforge::face::Metric::L2)).value(),
             gallery::write_model(faceforge::sample_with_head(faceforge::face::Metric::Cosine))
                 .value(),
             gallery::write_model(faceforge::sample_with_head(faceforge::face::Metric::L2))
                 .value()},
        .documented = {"not_a_gallery_model", "gallery_model_version", "gallery_model_damaged",
                       "gallery_model_too_large"},
        .read = faceforge::read_model,
        .change_meaning = faceforge::change_model},
       {.name = "npy",
        .originals = {gallery::write_npy({2, 3, {1, 2, 3, 4, 5, 6}}),
                      gallery::write_npy({0, 4, {}}),
                      gallery::write_npy({40, 1, std::vector<float>(40, 1)})},
        .documented = {"not_npy", "npy_layout", "npy_damaged"},
        .read = faceforge::read_npy}},
      argc, argv);
}
