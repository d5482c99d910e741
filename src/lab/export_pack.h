#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "base/parallel_work.h"
#include "base/result.h"
#include "evaluate/calibrate.h"
#include "lab/checkpoint.h"
#include "packs/registry.h"

namespace faceforge::lab {

struct ExportRequest {
  std::filesystem::path checkpoint;  ///< the file, or the folder of its run
  packs::PackEntry detector_pack;    ///< as `packs::Registry::info` tells it, its files checked
  std::filesystem::path output;      ///< the new pack's folder, whose name is its id
  packs::LicenceKind licence_kind = packs::LicenceKind::NonCommercial;
  std::filesystem::path calibration_people = {};  ///< `PERSON/PHOTO`; empty: not calibrated
  std::set<std::string> excluded_people = {};     ///< of the calibration
  Supervision calibrating = {};
};

struct ExportReport {
  packs::Card card = {};  ///< as written
  train::NetworkSettings network = {};
  uint64_t step = 0;
  WeightKind weight_kind = WeightKind::Last;
  std::optional<evaluate::CalibrationReport> calibration = {};
};

/// Makes a pack of a trained network: its embedder is the checkpoint's network, as ONNX; detector,
/// contour and liveness are those of another pack, with which the crops should have been made, for
/// the new pack aligns as that pack's first embedder does. All of it or nothing.
///
/// fails: forbidden/licence_not_permissive when the detector's licence does not allow what is asked
///        for; invalid_input/card_invalid for a name that is no id; as Checkpoint::read,
///        write_network and packs::NewPack; corrupt/network_not_finite when the network answers
///        with what is no number; too_large/too_many_trained_people; with calibration as
///        `evaluate::check_enough_people`, `evaluate::require_unseen` and
///        `evaluate::calibrate_folder`
/// cost:  seconds, without a calibration; memory for the checkpoint and three times the network
[[nodiscard]] Result<ExportReport> export_pack(const ExportRequest& request);

}  // namespace faceforge::lab
