#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/installation.h"

namespace faceforge::cli {

enum class FindingState {
  Ok,
  Hint,   ///< works, and could be better
  Fault,  ///< does not work until something is done
};

/// What was looked at, what was found, and what to do about it.
struct Finding {
  std::string check;  ///< a stable slug
  FindingState state = FindingState::Ok;
  std::string message = {};
  std::string advice = {};          ///< "" where nothing needs to be done
  std::optional<Error> error = {};  ///< behind a fault: its code is the exit code
  json::object figures = {};        ///< measured, for programs
};

/// What `faceforge serve` would be asked.
struct DoctorOptions {
  InstallationOptions installation;
  std::string pack;
  std::string listen = "127.0.0.1:8080";
  std::string web_folder;
  TlsChoice tls;
  bool behind_proxy = false;
  bool json = false;
};

void add_doctor_command(CLI::App& app, Chosen& chosen);

/// Each looks at one thing, and makes and changes nothing that is not there.
[[nodiscard]] Finding check_data_folder(const std::string& folder);
/// in: `free_bytes` of the disk under the folder
[[nodiscard]] Finding check_free_disk(const std::string& folder, uint64_t free_bytes);
[[nodiscard]] Finding check_free_disk(const std::string& folder);
[[nodiscard]] Finding check_database(const InstallationOptions& options);
[[nodiscard]] Finding check_processor();
[[nodiscard]] Finding check_tls(const DoctorOptions& options, const Clock& clock);
[[nodiscard]] Finding check_web_folder(const std::string& web_folder);
/// The pack that would be used, its calibration, the time it takes, what a better one would add,
/// and those that are damaged.
[[nodiscard]] std::vector<Finding> check_packs(const DoctorOptions& options);

/// All of them.
///
/// cost: loads the pack and runs it three times
[[nodiscard]] std::vector<Finding> examine(const DoctorOptions& options, const Clock& clock);

/// The worst of them.
[[nodiscard]] FindingState worst(const std::vector<Finding>& findings);
[[nodiscard]] std::string to_text(const std::vector<Finding>& findings);
[[nodiscard]] json::object to_json(const std::vector<Finding>& findings);

/// Done where there is no fault; else the code of the first fault's error.
[[nodiscard]] int exit_code(const std::vector<Finding>& findings);

}  // namespace faceforge::cli
