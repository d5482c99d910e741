#pragma once

#include <memory>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "store/database.h"
#include "store/migrate.h"

namespace faceforge::test {

/// An empty database, removed at the end of the scope: a SQLite file in a fresh folder, or a fresh
/// schema of the PostgreSQL server that FACEFORGE_TEST_POSTGRES names. Without that, the first one
/// starts a throw-away cluster (`tools/with_postgres`), which ends with this program.
class FreshDatabase {
 public:
  /// Nothing, when PostgreSQL is asked for and not installed.
  [[nodiscard]] static std::unique_ptr<FreshDatabase> make(store::Dialect dialect);
  virtual ~FreshDatabase() = default;

  /// How to open it; each time another pool of connections.
  [[nodiscard]] virtual store::OpenOptions options() const = 0;

  /// Opens it; a failure ends the test program.
  [[nodiscard]] std::shared_ptr<store::Database> open() const;
};

/// A suite whose every test runs on both databases, each time on a fresh one:
///
///   using GalleryTest = test::OnBothDatabases;
///   TEST_P(GalleryTest, ANameIsTakenOnlyOnce) { ... database() ... }
///   TEST_ON_BOTH_DATABASES(GalleryTest);
///
/// Derive from it where the suite needs more; call `OnBothDatabases::SetUp` first, and return when
/// `IsSkipped()`.
class OnBothDatabases : public ::testing::TestWithParam<store::Dialect> {
 protected:
  void SetUp() override;

  /// Brings the fresh database to a module's tables.
  void migrate(std::span<const store::Migration> migrations);

  [[nodiscard]] store::Database& database() { return *database_; }
  [[nodiscard]] std::shared_ptr<store::Database> shared_database() { return database_; }

  /// The same database, opened once more: another process, or this one after a restart.
  [[nodiscard]] std::shared_ptr<store::Database> reopened() { return fresh_->open(); }
  [[nodiscard]] store::OpenOptions options() const { return fresh_->options(); }

 private:
  std::unique_ptr<FreshDatabase> fresh_;
  std::shared_ptr<store::Database> database_;
};

/// `Sqlite` or `Postgres`, as the last part of a test's name.
[[nodiscard]] std::string dialect_name(const ::testing::TestParamInfo<store::Dialect>& info);

}  // namespace faceforge::test

#define TEST_ON_BOTH_DATABASES(suite)                                                \
  INSTANTIATE_TEST_SUITE_P(On, suite,                                                \
                           ::testing::Values(::faceforge::store::Dialect::Sqlite,    \
                                             ::faceforge::store::Dialect::Postgres), \
                           ::faceforge::test::dialect_name)
