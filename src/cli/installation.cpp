#include "cli/installation.h"

#include <cerrno>
#include <filesystem>
#include <optional>
#include <vector>

#include <sys/stat.h>

#include "base/file.h"
#include "cli/pack_choice.h"
#include "crypto/token.h"
#include "gallery/galleries.h"
#include "jobs/jobs.h"
#include "store/migrate.h"
#include "store/owners.h"
#include "store/server_lock.h"

namespace faceforge::cli {
namespace {

Unexpected data_folder_is_a_file(const std::filesystem::path& folder) {
  return fail(ErrorCode::InvalidInput, "data_folder_is_a_file",
              "{} is a file; --data names a folder", folder.string());
}

/// The address of a database may hold a password, so it is not repeated.
Unexpected no_database(const InstallationOptions& options) {
  return fail(ErrorCode::NotFound, "no_database",
              "{} has no database of FaceForge: name the place that the server was started with, "
              "by --data DIR or --database URL",
              options.database.empty() ? options.data_folder : "the place that --database names");
}

std::vector<store::Migration> all_migrations() {
  auto migrations = store::owner_migrations();
  for (const auto& more : {accounts::migrations(), jobs::migrations(), gallery::migrations()}) {
    migrations.insert(migrations.end(), more.begin(), more.end());
  }
  return migrations;
}

}  // namespace

void add_installation_options(CLI::App& command, InstallationOptions& options) {
  add_data_option(command, options.data_folder);
  command
      .add_option("--database", options.database,
                  "postgresql://USER@HOST/NAME, or a file; else SQLite in the data folder")
      ->type_name("URL");
}

Result<void> make_data_folder(const std::string& data_folder) {
  TRY(require_data_folder(data_folder));
  const std::filesystem::path folder(data_folder);
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  const auto parent = std::filesystem::absolute(folder, error).parent_path();
  std::filesystem::create_directories(parent, error);
  if (error) return Unexpected(file_error(error.value(), "create", parent));
  if (mkdir(folder.c_str(), S_IRWXU) == 0) return {};
  if (errno != EEXIST) return Unexpected(file_error(errno, "create", folder));
  // Another process may have made it meanwhile; a file of that name is no data folder.
  if (!std::filesystem::is_directory(folder, error)) return data_folder_is_a_file(folder);
  return {};
}

std::string database_location(const InstallationOptions& options) {
  if (!options.database.empty()) return options.database;
  return std::filesystem::path(options.data_folder) / "faceforge.sqlite3";
}

Result<std::shared_ptr<store::Database>> open_database(const InstallationOptions& options) {
  TRY(make_data_folder(options.data_folder));
  return store::Database::open({.location = database_location(options)});
}

Result<void> bring_to_newest_version(store::Database& database) {
  return store::migrate(database, all_migrations());
}

Result<std::shared_ptr<store::Database>> open_existing_database(
    const InstallationOptions& options) {
  TRY(require_data_folder(options.data_folder));
  const std::string location = database_location(options);
  const bool is_file = TRY(store::dialect_of(location)) == store::Dialect::Sqlite;
  std::error_code failed;
  if (is_file && !std::filesystem::exists(location, failed)) {
    const auto folder = std::filesystem::status(options.data_folder, failed);
    if (std::filesystem::is_regular_file(folder)) return data_folder_is_a_file(options.data_folder);
    return no_database(options);
  }
  auto database = TRY(store::Database::open({.location = location}));
  if (!TRY(store::has_steps(*database))) return no_database(options);
  std::optional<store::ServerLock> lock;
  if (TRY(store::lacks_steps(*database, all_migrations()))) {
    lock.emplace(TRY(store::ServerLock::take(location)));
  }
  TRY(bring_to_newest_version(*database));
  return database;
}

Result<std::unique_ptr<accounts::Accounts>> open_accounts(const InstallationOptions& options,
                                                          std::shared_ptr<store::Database> database,
                                                          const Clock& clock) {
  auto key =
      TRY(accounts::open_token_key(std::filesystem::path(options.data_folder) / "token.key"));
  return std::make_unique<accounts::Accounts>(std::move(database), clock, std::move(key));
}

std::unique_ptr<accounts::Accounts> accounts_without_sessions(
    std::shared_ptr<store::Database> database, const Clock& clock) {
  return std::make_unique<accounts::Accounts>(std::move(database), clock,
                                              crypto::Secret::random(crypto::kTokenKey_bytes));
}

}  // namespace faceforge::cli
