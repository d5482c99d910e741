#pragma once

#include <memory>
#include <string>

#include <CLI/App.hpp>

#include "accounts/accounts.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace faceforge::cli {

/// Where an installation keeps its state.
struct InstallationOptions {
  std::string data_folder;
  std::string database;  ///< `postgresql://..`, a file, or "" for the data folder's own
};

/// `--data DIR` and `--database URL`
void add_installation_options(CLI::App& command, InstallationOptions& options);

/// Makes the data folder where it is missing, with mode 0700. One that is there keeps its mode,
/// which is its owner's choice: what FaceForge puts into it is closed to others by itself.
///
/// fails: as require_data_folder; invalid_input/data_folder_is_a_file; as file_error (a read-only
///        place, say)
[[nodiscard]] Result<void> make_data_folder(const std::string& data_folder);

/// Where the database is: what `store::OpenOptions::location` takes.
[[nodiscard]] std::string database_location(const InstallationOptions& options);

/// Opens the database, and makes it where it is missing; its tables stay as they are.
///
/// fails: as make_data_folder and store::Database::open
[[nodiscard]] Result<std::shared_ptr<store::Database>> open_database(
    const InstallationOptions& options);

/// Brings the tables of every module to the newest version. A server does so once it holds the
/// store::ServerLock: another one may be running on an older version.
///
/// fails: as store::migrate
[[nodiscard]] Result<void> bring_to_newest_version(store::Database& database);

/// Opens the database at its newest version for what looks after an installation and never begins
/// one: makes no folder, no file and no table where the server has not made them. Tables of an
/// older version are brought to the newest while no server has them.
///
/// fails: not_found/no_database, naming the place; conflict/database_in_use when a server of an
/// older
///        version has it; as open_database and bring_to_newest_version
[[nodiscard]] Result<std::shared_ptr<store::Database>> open_existing_database(
    const InstallationOptions& options);

/// fails: as accounts::open_token_key
[[nodiscard]] Result<std::unique_ptr<accounts::Accounts>> open_accounts(
    const InstallationOptions& options, std::shared_ptr<store::Database> database,
    const Clock& clock);

/// Accounts for the administrator, who begins no session and so needs no key of tokens.
[[nodiscard]] std::unique_ptr<accounts::Accounts> accounts_without_sessions(
    std::shared_ptr<store::Database> database, const Clock& clock);

}  // namespace faceforge::cli
