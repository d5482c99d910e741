#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "base/json.h"
#include "cli/command.h"
#include "dataset/crop_photo.h"
#include "dataset/photo_facts.h"
#include "dataset/skipped.h"
#include "vision/pipeline.h"

namespace faceforge::cli {

/// `faceforge dataset`: folders of photos made ready for training.
void add_dataset_command(CLI::App& app, Chosen& chosen);

// What `faceforge dataset` consists of, one a file: dataset_NAME_command.cpp.
void add_dataset_align_command(CLI::App& dataset, Chosen& chosen);
void add_dataset_clean_command(CLI::App& dataset, Chosen& chosen);
void add_dataset_dedupe_command(CLI::App& dataset, Chosen& chosen);
void add_dataset_fetch_lfw_command(CLI::App& dataset, Chosen& chosen);
void add_dataset_pack_command(CLI::App& dataset, Chosen& chosen);
void add_dataset_rename_command(CLI::App& dataset, Chosen& chosen);
void add_dataset_split_command(CLI::App& dataset, Chosen& chosen);
void add_dataset_stats_command(CLI::App& dataset, Chosen& chosen);

/// `DIR`: the folder of PERSON/PHOTO that a command works on.
void add_people_folder_option(CLI::App& command, std::string& folder);

/// `--dry-run`
void add_dry_run_option(CLI::App& command, bool& dry_run);

/// `[{"image":..,"error":{..}}]`
[[nodiscard]] json::array skipped_json(const std::vector<dataset::Skipped>& skipped);

/// Tells on standard error what was left out, and why.
void note_skipped(const std::vector<dataset::Skipped>& skipped);

/// 0 when nothing was left out, 2 when something was and the rest was done, else as the first error
/// says.
[[nodiscard]] int exit_code_of(const std::vector<dataset::Skipped>& skipped, size_t done_count);

/// Looks at every photo of a folder of people, on all cores, with a progress bar.
///
/// fails: as dataset::look_at_people
[[nodiscard]] Result<dataset::LookedPeople> look_at_folder(const std::string& folder,
                                                           const vision::Pipeline& pipeline,
                                                           const Interrupt& interrupt);

/// Makes aligned crops of photos' files as the pack's first embedder sees them.
///
/// in: `pipeline` outlives the function that is returned
[[nodiscard]] dataset::CropPhoto crops_of(const vision::Pipeline& pipeline);

}  // namespace faceforge::cli
