#include "cli/installation.h"

#include <cerrno>
#include <filesystem>

#include <sys/stat.h>

#include "base/file.h"
#include "cli/pack_choice.h"
#include "gallery/galleries.h"
#include "jobs/jobs.h"
#include "store/migrate.h"
#include "store/owners.h"

namespace faceforge::cli {

void add_installation_options(CLI::App& command, InstallationOptions& options) {
  add_data_option(command, options.data_folder);
  command
      .add_option("--database", options.database,
                  "postgresql://USER@HOST/NAME, or a file; else SQLite in the data folder")
      ->type_name("URL");
}

Result<void> make_data_folder(const std::string& data_folder) {
  const std::filesystem::path folder(data_folder);
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  const auto parent = std::filesystem::absolute(folder, error).parent_path();
  std::filesystem::create_directories(parent, error);
  if (error) return Unexpected(file_error(error.value(), "create", parent));
  if (mkdir(folder.c_str(), S_IRWXU) == 0) return {};
  if (errno != EEXIST) return Unexpected(file_error(errno, "create", folder));
  // Another process may have made it meanwhile; a file of that name is no data folder.
  if (!std::filesystem::is_directory(folder, error)) {
    return fail(ErrorCode::InvalidInput, "data_folder_is_a_file",
                "{} is a file; --data names a folder", folder.string());
  }
  return {};
}

std::string database_location(const InstallationOptions& options) {
  if (!options.database.empty()) return options.database;
  return std::filesystem::path(options.data_folder) / "faceforge.sqlite3";
}

Result<std::shared_ptr<store::Database>> open_database(const InstallationOptions& options) {
  TRY(make_data_folder(options.data_folder));
  auto database = TRY(store::Database::open({.location = database_location(options)}));
  auto migrations = store::owner_migrations();
  for (const auto& more : {accounts::migrations(), jobs::migrations(), gallery::migrations()}) {
    migrations.insert(migrations.end(), more.begin(), more.end());
  }
  TRY(store::migrate(*database, migrations));
  return database;
}

Result<std::unique_ptr<accounts::Accounts>> open_accounts(const InstallationOptions& options,
                                                          std::shared_ptr<store::Database> database,
                                                          const Clock& clock) {
  auto key =
      TRY(accounts::open_token_key(std::filesystem::path(options.data_folder) / "token.key"));
  return std::make_unique<accounts::Accounts>(std::move(database), clock, std::move(key));
}

}  // namespace faceforge::cli
