#include "cli/pack_choice.h"

#include <algorithm>
#include <cstdlib>

namespace faceforge::cli {

std::string default_data_folder() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  // Relative paths in XDG_DATA_HOME are invalid and ignored, says its specification.
  const auto data_home = variable("XDG_DATA_HOME");
  if (data_home.is_absolute()) return data_home / "faceforge";
  const auto home = variable("HOME");
  return home.is_absolute() ? home / ".local" / "share" / "faceforge" : "";
}

void add_data_option(CLI::App& command, std::string& data_folder) {
  data_folder = default_data_folder();
  command.add_option("--data", data_folder, "Where packs, photos and the database are kept")
      ->type_name("DIR")
      ->default_str("~/.local/share/faceforge");
}

void add_pack_options(CLI::App& command, PackChoice& choice) {
  command.add_option("--pack", choice.pack, "Model pack: an id (faceforge packs list) or a folder")
      ->type_name("ID|DIR")
      ->default_str("best installed");
  add_data_option(command, choice.data_folder);
}

Result<void> require_data_folder(const std::string& data_folder) {
  if (!data_folder.empty()) return {};
  return fail(
      ErrorCode::InvalidInput, "data_folder_unknown",
      "where is the data folder? Neither HOME nor XDG_DATA_HOME is set to an absolute path: "
      "name the folder with --data DIR");
}

Result<packs::Registry> registry_of(const std::string& data_folder) {
  TRY(require_data_folder(data_folder));
  return packs::Registry(packs::RegistryOptions::from_environment(data_folder));
}

Result<std::shared_ptr<const vision::Pipeline>> open_pipeline(const PackChoice& choice) {
  const packs::Registry registry = TRY(registry_of(choice.data_folder));
  const vision::PipelineSpec spec = TRY(registry.open(choice.pack));
  return vision::Pipeline::load(spec);
}

Result<std::shared_ptr<const recognition::FaceEngine>> open_engine(const PackChoice& choice) {
  return recognition::make_face_engine(TRY(open_pipeline(choice)));
}

Result<std::filesystem::path> place_of_new_pack(const std::string& output,
                                                const std::string& data_folder) {
  namespace fs = std::filesystem;
  fs::path folder(output);
  if (!folder.has_filename()) folder = folder.parent_path();  // "mine/"
  const auto options = packs::RegistryOptions::from_environment(data_folder);
  std::error_code failed;
  const fs::path place = fs::weakly_canonical(fs::absolute(folder), failed);
  for (const fs::path& packs : {options.packs_folder, options.in_place_folder.value_or("")}) {
    if (packs.empty()) continue;
    const fs::path taken = fs::weakly_canonical(fs::absolute(packs), failed);
    const auto [end, ignored] = std::ranges::mismatch(taken, place);
    if (end != taken.end()) continue;
    return fail(ErrorCode::InvalidInput, "output_among_packs",
                "{} lies in the folder of packs {}: name a place outside, and install the pack "
                "from there",
                folder.string(), packs.string());
  }
  return folder;
}

Result<std::shared_ptr<const recognition::FaceEngine>> open_engine_for_model(
    const PackChoice& choice, std::string_view trained_with) {
  PackChoice resolved = choice;
  if (resolved.pack.empty() && !trained_with.empty()) {
    const packs::Registry registry = TRY(registry_of(choice.data_folder));
    const auto entry = registry.info(trained_with);
    const bool usable =
        entry && entry->state != packs::PackState::NotInstalled && !entry->fault.has_value();
    if (usable) resolved.pack = trained_with;
  }
  return open_engine(resolved);
}

Result<void> check_same_model(const gallery::GalleryModel& model,
                              const recognition::FaceEngine& engine) {
  if (model.model_id == engine.model_id()) return {};
  return fail(ErrorCode::Conflict, "model_mismatch",
              "the gallery was trained with the pack `{}` (model {}), and `{}` is model {}: choose "
              "the former with --pack, or train the gallery again",
              model.pack_id, model.model_id.hex().substr(0, 12), engine.pack_id(),
              engine.model_id().hex().substr(0, 12));
}

}  // namespace faceforge::cli
