#include "gallery/model_file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "archive/zip.h"
#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "face/calibration_json.h"
#include "gallery/name.h"
#include "gallery/npy.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

constexpr std::string_view kFormat = "faceforge-gallery-model";
constexpr int64_t kFormatVersion = 1;
constexpr int64_t kFormatVersionWithHead = 2;  ///< whoever knows no heads must not ask without one
constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kTemplates = "templates.npy";
constexpr std::string_view kReferences = "references.npy";
constexpr std::string_view kHead = "head.npy";
constexpr size_t kMaxEntries = 16;
constexpr double kMaxRatio = 1'000;  ///< names of people are text and pack well
constexpr int64_t kMaxEmbeddingLength = 65'536;

template <typename... Args>
Unexpected damaged(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::Corrupt, "gallery_model_damaged", "the gallery model is damaged: {}",
              fmt::format(format, std::forward<Args>(args)...));
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

json::object checksum_json(std::span<const std::byte> contents) {
  return {{"sha256", to_hex(sha256(contents))}, {"bytes", contents.size()}};
}

json::object person_json(const ModelPerson& person) {
  json::array references;
  for (const Reference& reference : person.references) references.emplace_back(reference.name);
  return {{"name", person.name},
          {"photo_count", person.photo_count},
          {"spread", json::number(person.spread)},
          {"references", std::move(references)}};
}

json::object head_json(const PersonalHead& head) {
  return {{"model_id", head.model_id.hex()},
          {"calibration", face::to_json(head.calibration)},
          {"trial", to_json(head.trial)}};
}

json::object manifest_json(const GalleryModel& model, json::object files) {
  json::array people;
  for (const ModelPerson& person : model.people) people.push_back(person_json(person));
  json::value calibration = nullptr;
  if (model.calibration) calibration = face::to_json(*model.calibration);
  json::object manifest{{"format", kFormat},
                        {"format_version", model.head ? kFormatVersionWithHead : kFormatVersion},
                        {"trained", to_rfc3339(model.trained_ms)},
                        {"trained_ms", model.trained_ms},
                        {"model_id", model.model_id.hex()},
                        {"pack_id", model.pack_id},
                        {"metric", face::to_string(model.metric)},
                        {"embedding_length", model.embedding_length},
                        {"files", std::move(files)},
                        {"calibration", std::move(calibration)},
                        {"people", std::move(people)}};
  if (model.head) manifest["head"] = head_json(*model.head);
  return manifest;
}

FloatTable empty_table(const GalleryModel& model) {
  return {.column_count = static_cast<size_t>(model.embedding_length), .values = {}};
}

void append(FloatTable& table, std::span<const float> row) {
  CHECK(row.size() == table.column_count);
  table.values.insert(table.values.end(), row.begin(), row.end());
  ++table.row_count;
}

// --- reading ---

Result<void> check_size(std::string_view what, size_t size_bytes, size_t limit_bytes) {
  if (size_bytes <= limit_bytes) return {};
  return fail(ErrorCode::TooLarge, "gallery_model_too_large", "{} has {} bytes; the limit is {}",
              what, size_bytes, limit_bytes);
}

Result<void> check_head_products(size_t length, size_t reference_count,
                                 const ModelFileLimits& limits) {
  if (length * length <= limits.head_products / std::max<size_t>(1, reference_count)) return {};
  return fail(ErrorCode::TooLarge, "gallery_model_too_large",
              "the gallery model has a head and {} references of {} numbers: more than {} "
              "products; without a head it could be used",
              reference_count, length, limits.head_products);
}

Result<archive::ZipEntries> unpack(std::span<const std::byte> file, const ModelFileLimits& limits) {
  TRY(check_size("the gallery model", file.size(), limits.file_bytes));
  auto entries = archive::read_zip(
      file, {.entries = kMaxEntries, .total_bytes = limits.unpacked_bytes, .ratio = kMaxRatio});
  if (entries) return std::move(*entries);
  const Error& error = entries.error();
  if (error.code == ErrorCode::Exhausted) return Unexpected(error);
  if (error.code == ErrorCode::Corrupt) return damaged("{}", error.message);
  if (error.code == ErrorCode::TooLarge) {
    return fail(ErrorCode::TooLarge, "gallery_model_too_large", "{}", error.message);
  }
  return fail(ErrorCode::InvalidInput, "not_a_gallery_model", "this is not a gallery model: {}",
              error.message);
}

Result<json::object> parse_manifest(const archive::ZipEntries& entries,
                                    const ModelFileLimits& limits) {
  const auto not_ours = [] {
    return fail(ErrorCode::InvalidInput, "not_a_gallery_model",
                "this is not a gallery model: it has no manifest of the format `{}`", kFormat);
  };
  const auto found = entries.find(std::string(kManifest));
  if (found == entries.end()) return not_ours();
  const std::string_view text(reinterpret_cast<const char*>(found->second.data()),
                              found->second.size());
  TRY(check_size("the gallery model's manifest", text.size(), limits.manifest_bytes));
  const auto document = json::parse(text, limits.manifest_bytes);
  if (!document || !document->is_object()) return not_ours();
  const json::object& manifest = document->get_object();
  const auto format = json::string_field(manifest, "format");
  if (!format || *format != kFormat) return not_ours();
  const auto version = json::integer_field(manifest, "format_version");
  if (!version || *version < 1) return damaged("its format version is missing");
  if (*version > kFormatVersionWithHead) {
    return fail(ErrorCode::Unsupported, "gallery_model_version",
                "the gallery model has format version {}; this FaceForge reads up to {}", *version,
                kFormatVersionWithHead);
  }
  return manifest;
}

/// Reads a member of the zip and holds it against the manifest's checksum.
Result<FloatTable> read_table(const archive::ZipEntries& entries, const json::object& manifest,
                              std::string_view name, size_t row_count, size_t column_count) {
  const auto found = entries.find(std::string(name));
  if (found == entries.end()) return damaged("{} is missing", name);
  const json::object files = TRY(json::object_field(manifest, "files"));
  const json::object listed = TRY(json::object_field(files, name));
  const std::string wanted = TRY(json::string_field(listed, "sha256"));
  if (to_hex(sha256(std::span(found->second))) != wanted) {
    return damaged("the checksum of {} is wrong", name);
  }
  auto table = read_npy(found->second);
  if (!table) return damaged("{}: {}", name, table.error().message);
  if (table->row_count != row_count || table->column_count != column_count) {
    return damaged("{} is {} x {} where the manifest says {} x {}", name, table->row_count,
                   table->column_count, row_count, column_count);
  }
  for (const float value : table->values) {
    if (!std::isfinite(value)) return damaged("{} holds a number that is not finite", name);
  }
  return table;
}

Result<ModelPerson> person_from_json(const json::value& from) {
  if (!from.is_object()) return damaged("a person is not an object");
  const json::object& object = from.get_object();
  ModelPerson person;
  person.name = TRY(json::string_field(object, "name"));
  person.photo_count = TRY(json::integer_field(object, "photo_count"));
  person.spread = static_cast<float>(TRY(json::number_field(object, "spread")));
  const auto stored = checked_name(person.name);
  if (!stored || *stored != person.name) return damaged("a person's name is malformed");
  if (person.photo_count < 1 || !std::isfinite(person.spread) || person.spread < 0) {
    return damaged("a person's counts are malformed");
  }
  const json::array references = TRY(json::array_field(object, "references"));
  for (const json::value& reference : references) {
    if (!reference.is_string()) return damaged("the name of a reference is not a text");
    const auto& name = reference.get_string();
    person.references.push_back({.name = std::string(name.data(), name.size()), .embedding = {}});
  }
  return person;
}

/// Reads a calibration that may be null, of the model that it must be of.
Result<std::optional<face::Calibration>> calibration_field(const json::object& from,
                                                           const face::ModelId& model_id) {
  if (!json::has_field(from, "calibration") || from.at("calibration").is_null()) {
    return std::nullopt;
  }
  const json::object text = TRY(json::object_field(from, "calibration"));
  auto calibration = TRY(face::calibration_from_json(text));
  if (calibration.model_id != model_id) return damaged("its calibration is of another model");
  return calibration;
}

/// Reads what the manifest says of the head; its matrix is still empty. A former release made heads
/// of packs without calibration, which have none either and could answer nothing: such a gallery is
/// read as if it had no head.
Result<std::optional<PersonalHead>> head_from_json(const json::object& manifest) {
  const bool is_announced =
      TRY(json::integer_field(manifest, "format_version")) >= kFormatVersionWithHead;
  if (is_announced != json::has_field(manifest, "head")) {
    return damaged("a head is missing, or is not to be expected");
  }
  if (!is_announced) return std::nullopt;
  const json::object text = TRY(json::object_field(manifest, "head"));
  PersonalHead head;
  head.model_id = face::ModelId(TRY(json::string_field(text, "model_id")));
  auto calibration = TRY(calibration_field(text, head.model_id));
  if (!calibration) return std::nullopt;
  head.calibration = *std::move(calibration);
  const json::object trial = TRY(json::object_field(text, "trial"));
  head.trial = TRY(head_trial_from_json(trial));
  return head;
}

/// Reads everything of the manifest; the embeddings are still empty.
Result<GalleryModel> model_from_json(const json::object& manifest, const ModelFileLimits& limits) {
  GalleryModel model;
  model.model_id = face::ModelId(TRY(json::string_field(manifest, "model_id")));
  model.pack_id = TRY(json::string_field(manifest, "pack_id"));
  const std::string metric = TRY(json::string_field(manifest, "metric"));
  model.metric = TRY(face::metric_from(metric));
  model.embedding_length = TRY(json::integer_field(manifest, "embedding_length"));
  model.trained_ms = TRY(json::integer_field(manifest, "trained_ms"));
  if (model.model_id.empty()) return damaged("its model_id is empty");
  if (model.embedding_length < 1 || model.embedding_length > kMaxEmbeddingLength) {
    return damaged("its embedding length is {}", model.embedding_length);
  }
  model.calibration = TRY(calibration_field(manifest, model.model_id));
  model.head = TRY(head_from_json(manifest));
  const json::array people = TRY(json::array_field(manifest, "people"));
  if (people.size() > limits.people) {
    return fail(ErrorCode::TooLarge, "gallery_model_too_large",
                "the gallery model has {} people; the limit is {}", people.size(), limits.people);
  }
  std::set<std::string_view> names;
  model.people.reserve(people.size());  // names point into it
  for (const json::value& entry : people) {
    model.people.push_back(TRY(person_from_json(entry)));
    const std::string& name = model.people.back().name;
    if (!names.insert(name).second) return damaged("two people are called `{}`", name);
  }
  return model;
}

Result<void> fill_embeddings(GalleryModel& model, const archive::ZipEntries& entries,
                             const json::object& manifest, const ModelFileLimits& limits) {
  const auto length = static_cast<size_t>(model.embedding_length);
  size_t reference_count = 0;
  for (const ModelPerson& person : model.people) reference_count += person.references.size();
  if (reference_count > limits.references) {
    return fail(ErrorCode::TooLarge, "gallery_model_too_large",
                "the gallery model has {} references; the limit is {}", reference_count,
                limits.references);
  }
  const FloatTable templates =
      TRY(read_table(entries, manifest, kTemplates, model.people.size(), length));
  FloatTable references;
  if (reference_count > 0) {
    references = TRY(read_table(entries, manifest, kReferences, reference_count, length));
  }
  const auto row = [length](const FloatTable& table, size_t number) {
    const auto begin = table.values.begin() + static_cast<ptrdiff_t>(number * length);
    return std::vector<float>(begin, begin + static_cast<ptrdiff_t>(length));
  };
  size_t next_reference = 0;
  for (size_t person = 0; person < model.people.size(); ++person) {
    model.people[person].mean = row(templates, person);
    for (Reference& reference : model.people[person].references) {
      reference.embedding = row(references, next_reference++);
    }
  }
  return {};
}

/// Reads the head's matrix, and checks what bringing the photos through it relies on.
Result<void> fill_head(GalleryModel& model, const archive::ZipEntries& entries,
                       const json::object& manifest, const ModelFileLimits& limits) {
  if (!model.head) return {};
  PersonalHead& head = *model.head;
  const auto length = static_cast<size_t>(model.embedding_length);
  size_t reference_count = 0;
  for (const ModelPerson& person : model.people) {
    reference_count += person.references.size();
    if (std::cmp_not_equal(person.references.size(), person.photo_count)) {
      return damaged("it has a head, and {} of the {} photos of `{}`", person.references.size(),
                     person.photo_count, person.name);
    }
    for (const Reference& reference : person.references) {
      if (!check_embedding({{}, model.metric, reference.embedding})) {
        return damaged("an embedding of `{}` is too long for a head", person.name);
      }
    }
  }
  TRY(check_head_products(length, reference_count, limits));
  head.matrix = TRY(read_table(entries, manifest, kHead, length, length));
  const bool within = std::ranges::all_of(
      head.matrix.values, [](float weight) { return std::abs(weight) <= kMaxHeadWeight; });
  if (!within) return damaged("{} holds a number beyond {}", kHead, kMaxHeadWeight);
  if (head.model_id != head_model_id(model.model_id, head.matrix)) {
    return damaged("the model_id of its head is not that of {}", kHead);
  }
  return {};
}

/// Cosine similarities are only right between vectors of unit length: one of length 100 would match
/// everybody. The mean of such vectors is at most as long, so no spread is above 1.
Result<void> check_lengths(const GalleryModel& model) {
  if (model.metric != face::Metric::Cosine) return {};
  const auto is_unit = [](std::span<const float> values) {
    double sum = 0;
    for (const float value : values) sum += double{value} * double{value};
    return std::abs(sum - 1) < 1e-3;
  };
  for (const ModelPerson& person : model.people) {
    bool all_unit = is_unit(person.mean);
    for (const Reference& reference : person.references) all_unit &= is_unit(reference.embedding);
    if (!all_unit) return damaged("an embedding of `{}` is not of unit length", person.name);
    if (person.spread > 1) return damaged("the spread of `{}` is {}", person.name, person.spread);
  }
  return {};
}

/// Whatever a field lacks, the file is damaged: its format and version were right.
template <typename T>
Result<T> or_damaged(Result<T> outcome) {
  if (outcome || outcome.error().code != ErrorCode::InvalidInput) return outcome;
  return damaged("{}", outcome.error().message);
}

}  // namespace

Result<std::vector<std::byte>> write_model(const GalleryModel& model,
                                           const ModelFileLimits& limits) {
  FloatTable templates = empty_table(model);
  FloatTable references = empty_table(model);
  for (const ModelPerson& person : model.people) {
    append(templates, person.mean);
    for (const Reference& reference : person.references) append(references, reference.embedding);
  }
  archive::ZipEntries entries;
  json::object files;
  const auto add_table = [&](std::string_view name, const FloatTable& table) {
    std::vector<std::byte> contents = write_npy(table);
    files[name] = checksum_json(contents);
    entries.emplace(name, std::move(contents));
  };
  add_table(kTemplates, templates);
  if (references.row_count > 0) add_table(kReferences, references);
  if (model.head) {
    TRY(check_head_products(model.head->matrix.column_count, references.row_count, limits));
    add_table(kHead, model.head->matrix);
  }
  const std::string manifest = json::to_pretty_text(manifest_json(model, std::move(files)));
  TRY(check_size("the gallery model's manifest", manifest.size(), limits.manifest_bytes));
  const auto manifest_bytes = bytes_of(manifest);
  entries.emplace(kManifest, std::vector(manifest_bytes.begin(), manifest_bytes.end()));
  size_t unpacked_bytes = 0;
  for (const auto& [name, contents] : entries) unpacked_bytes += contents.size();
  TRY(check_size("the gallery model, unpacked,", unpacked_bytes, limits.unpacked_bytes));
  auto file = TRY(archive::write_zip(entries));
  TRY(check_size("the gallery model", file.size(), limits.file_bytes));
  return file;
}

Result<GalleryModel> read_model(std::span<const std::byte> file, const ModelFileLimits& limits) {
  const archive::ZipEntries entries = TRY(unpack(file, limits));
  const json::object manifest = TRY(parse_manifest(entries, limits));
  GalleryModel model = TRY(or_damaged(model_from_json(manifest, limits)));
  TRY(or_damaged(fill_embeddings(model, entries, manifest, limits)));
  TRY(or_damaged(fill_head(model, entries, manifest, limits)));
  TRY(check_lengths(model));
  return model;
}

Result<GalleryModel> read_model_file(const std::filesystem::path& path,
                                     const ModelFileLimits& limits) {
  const auto file = TRY(read_file(path, limits.file_bytes));
  return read_model(file, limits);
}

Result<void> write_model_file(const GalleryModel& model, const std::filesystem::path& path) {
  const auto file = TRY(write_model(model));
  return write_file_atomically(path, std::span<const std::byte>(file));
}

}  // namespace faceforge::gallery
