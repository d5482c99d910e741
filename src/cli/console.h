#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"

namespace faceforge::cli {

/// Results go to standard output, and nothing else does. Foreign bytes in them that are no UTF-8
/// (in the name of a file, say) become U+FFFD, so that JSON is always valid.
void print(std::string_view text);

/// Hands on what was printed so far: a reader sees each result at once.
void flush_output();

/// Why what was printed did not reach its reader, once it did not: exhausted/output_not_written.
/// Work that goes on has nobody to work for (`detect .. | head`).
[[nodiscard]] std::optional<Error> output_error();

/// Whether there is a result already: JSON that tells of an error must not follow other JSON.
[[nodiscard]] bool anything_printed();

/// Everything that is not a result: what was skipped, how long it took, what to do next.
void note(std::string_view text);

/// `faceforge: MESSAGE (reason)` on standard error.
void print_error(const Error& error);

/// `faceforge: IMAGE: MESSAGE (reason)` on standard error.
void print_image_error(std::string_view image, const Error& error);

/// `{"code":..,"reason":..,"message":..}`
[[nodiscard]] json::object to_json(const Error& error);

enum class Style { Bold, Green, Yellow, Red, Faint };

/// The text in a style where standard output is a terminal and NO_COLOR is not set; else as it is.
[[nodiscard]] std::string styled(Style style, std::string_view text);

enum class Alignment { Left, Right };

/// Text in columns. Cells are made printable.
class Table {
 public:
  struct Column {
    std::string title;
    Alignment alignment = Alignment::Left;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// in: one cell a column (a CHECK)
  void add_row(std::vector<std::string> cells);

  /// The title line and the rows, two spaces between columns, indented by `indent` spaces.
  [[nodiscard]] std::string to_text(size_t indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// A JSON array that is written element by element, one a line, so that millions of results need no
/// memory. Begun by its first element and closed by its destructor: what is on standard output is
/// always whole JSON, and a run that ended before its first result has printed nothing yet.
class JsonArrayPrinter {
 public:
  JsonArrayPrinter() = default;
  ~JsonArrayPrinter();
  JsonArrayPrinter(const JsonArrayPrinter&) = delete;
  JsonArrayPrinter& operator=(const JsonArrayPrinter&) = delete;
  void add(const json::value& element);

 private:
  bool empty_ = true;
};

/// How far long work is, on standard error where that is a terminal; nothing elsewhere. Drawn at
/// most ten times a second and gone at the end. Thread safe.
class ProgressBar {
 public:
  /// in: `done_before`: what had been done when this work began, which took none of its time
  explicit ProgressBar(std::string label, size_t done_before = 0);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `total_count` 0: not known. `detail` stands behind the line.
  void update(size_t done_count, size_t total_count, std::string_view detail = {});

  /// Takes the bar off the screen before something else is written; the next update draws it again.
  void hide();

  /// The line that `update` draws: label, bar, share, counts and the time left. For tests.
  [[nodiscard]] static std::string line(std::string_view label, size_t done_count,
                                        size_t total_count, std::chrono::duration<double> elapsed,
                                        size_t done_before = 0);

 private:
  const std::string label_;
  const size_t done_before_;
  const bool on_terminal_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_at_{};
  bool visible_ = false;
  std::mutex mutex_;
};

}  // namespace faceforge::cli
