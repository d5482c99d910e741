#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/database.h"
#include "store/value.h"

namespace faceforge::store::internal {

enum class Mode { ReadOnly, ReadWrite };

/// What a connection does with each row; it may take the values out of the span.
using TakeRow = std::function<Result<void>(std::span<Value>)>;

/// One connection to one database, used by one thread at a time. Errors are those that
/// `Transaction` documents.
class Connection {
 public:
  virtual ~Connection() = default;

  [[nodiscard]] virtual Dialect dialect() const = 0;

  /// Whether another transaction may be tried on it.
  [[nodiscard]] virtual bool is_usable() const = 0;

  [[nodiscard]] virtual Result<void> begin(Mode mode) = 0;
  [[nodiscard]] virtual Result<void> commit() = 0;
  virtual void roll_back() = 0;

  /// Runs one statement with checked arguments, hands each row to `take_row`, and returns how many
  /// rows it changed. Arguments have passed `check_parameters`.
  [[nodiscard]] virtual Result<int64_t> run(std::string_view sql,
                                            std::span<const Parameter> parameters,
                                            const TakeRow& take_row) = 0;

  [[nodiscard]] virtual Result<void> run_script(const std::string& sql) = 0;

  /// See `Database::forget_deleted`; outside of a transaction. `tables` are those that this program
  /// made.
  [[nodiscard]] virtual Result<void> forget_deleted(const std::set<std::string>& tables) = 0;
};

/// Refuses what one of the two databases cannot keep, so that neither takes what the other would
/// not.
///
/// fails: invalid_input/text_not_utf8, text_with_nul, real_not_finite;
///        too_large/value_too_large beyond `kMaxValue_bytes`; internal/database_error when there
///        are not as many arguments as placeholders
[[nodiscard]] Result<void> check_parameters(std::string_view sql,
                                            std::span<const Parameter> parameters);

inline constexpr size_t kMaxValue_bytes = size_t{256} << 20;

/// Prepared statements that one connection keeps at most; then it starts anew.
inline constexpr size_t kMaxPreparedStatements = 256;

[[nodiscard]] Result<std::unique_ptr<Connection>> open_sqlite(const std::string& path, Mode mode,
                                                              std::chrono::milliseconds wait_max);

/// The one path of a SQLite file, however its location spells it: absolute, symbolic links followed
/// as far as they lead to what is there.
[[nodiscard]] std::string sqlite_path(const std::string& location);

/// A file of this size is read in a moment, and checked at every opening.
inline constexpr uint64_t kAlwaysCheckedMax_bytes = uint64_t{64} << 20;

/// Makes the file, when missing, with its folder. A database that is there is closed to others, its
/// log too, and its integrity checked: always up to `always_checked_max_bytes`, and beyond when its
/// last use did not end in order, which its log tells by being there.
///
/// in: `path` as of `sqlite_path`
[[nodiscard]] Result<void> prepare_sqlite_file(
    const std::string& path, uint64_t always_checked_max_bytes = kAlwaysCheckedMax_bytes);

/// Checks all of a file that is there, and changes nothing.
///
/// in: `path` as of `sqlite_path`
[[nodiscard]] Result<void> examine_sqlite_file(const std::string& path);

[[nodiscard]] Result<std::unique_ptr<Connection>> open_postgres(const std::string& url,
                                                                std::chrono::milliseconds wait_max);

}  // namespace faceforge::store::internal
