#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/App.hpp>

#include "base/result.h"
#include "gallery/gallery_model.h"
#include "packs/registry.h"
#include "recognition/face_engine.h"
#include "vision/pipeline.h"

namespace faceforge::cli {

/// Where FaceForge keeps its state, and the pack that a command works with.
struct PackChoice {
  std::string data_folder;
  std::string pack;  ///< an id, a folder, or "" for the best installed
};

/// `$XDG_DATA_HOME/faceforge`, else `~/.local/share/faceforge`; "" where neither is an absolute
/// path: personal data never lands in whatever folder a command happens to be started in.
[[nodiscard]] std::string default_data_folder();

/// `--data DIR`
void add_data_option(CLI::App& command, std::string& data_folder);

/// `--pack ID|DIR` and `--data DIR`
void add_pack_options(CLI::App& command, PackChoice& choice);

/// fails: invalid_input/data_folder_unknown where there is neither a `--data` nor a default
[[nodiscard]] Result<void> require_data_folder(const std::string& data_folder);

/// fails: as require_data_folder
[[nodiscard]] Result<packs::Registry> registry_of(const std::string& data_folder);

/// Checks and loads the chosen pack.
///
/// fails: as require_data_folder, packs::Registry::open and vision::Pipeline::load
[[nodiscard]] Result<std::shared_ptr<const vision::Pipeline>> open_pipeline(
    const PackChoice& choice);
[[nodiscard]] Result<std::shared_ptr<const recognition::FaceEngine>> open_engine(
    const PackChoice& choice);

/// The folder for a pack that is to be made, without a `/` at its end. Never among the packs: what
/// appears there changes which pack is used at once, and the packs folder is written to under its
/// lock alone, by `packs install`.
///
/// fails: invalid_input/output_among_packs
[[nodiscard]] Result<std::filesystem::path> place_of_new_pack(const std::string& output,
                                                              const std::string& data_folder);

/// The engine for a gallery model: the chosen pack; with none chosen the one that the model was
/// trained with where it is installed, else the default (and a mismatch is told by its use).
///
/// fails: as open_engine
[[nodiscard]] Result<std::shared_ptr<const recognition::FaceEngine>> open_engine_for_model(
    const PackChoice& choice, std::string_view trained_with);

/// Refuses a gallery model that another pack made, before any photo is looked at.
///
/// fails: conflict/model_mismatch naming both
[[nodiscard]] Result<void> check_same_model(const gallery::GalleryModel& model,
                                            const recognition::FaceEngine& engine);

}  // namespace faceforge::cli
