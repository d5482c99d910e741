#include "cli/console.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/check.h"
#include "base/unicode.h"
#include "cli/text.h"

namespace faceforge::cli {
namespace {

constexpr std::chrono::milliseconds kRedrawEvery{100};
constexpr std::string_view kClearLine = "\r\x1b[K";

std::atomic<bool> something_printed = false;
std::atomic<int> output_errno = 0;  ///< of the first write that failed

/// Remembers why a call on standard output has just failed.
void note_output_failure() {
  const int error_number = errno == 0 ? EIO : errno;
  int none = 0;
  output_errno.compare_exchange_strong(none, error_number);
}

std::string_view escape_of(Style style) {
  switch (style) {
    case Style::Bold:
      return "\x1b[1m";
    case Style::Green:
      return "\x1b[32m";
    case Style::Yellow:
      return "\x1b[33m";
    case Style::Red:
      return "\x1b[31m";
    case Style::Faint:
      return "\x1b[2m";
  }
  return "";
}

std::string padded(const std::string& cell, size_t width, Alignment alignment) {
  const std::string spaces(width - std::min(width, column_count(cell)), ' ');
  return alignment == Alignment::Left ? cell + spaces : spaces + cell;
}

/// in: `done_count` in the time `elapsed`
std::string time_left(std::chrono::duration<double> elapsed, size_t done_count, size_t left_count) {
  if (done_count == 0) return "";
  const double left_s =
      elapsed.count() / static_cast<double>(done_count) * static_cast<double>(left_count);
  const auto seconds = static_cast<int64_t>(left_s + 0.5);
  if (seconds >= 3600)
    return fmt::format("{}:{:02}:{:02} left", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return fmt::format("{}:{:02} left", seconds / 60, seconds % 60);
}

}  // namespace

void print(std::string_view text) {
  something_printed = true;
  const std::string valid = to_valid_utf8(text);
  errno = 0;
  if (std::fwrite(valid.data(), 1, valid.size(), stdout) < valid.size()) note_output_failure();
}

void flush_output() {
  errno = 0;
  if (std::fflush(stdout) != 0) note_output_failure();
}

std::optional<Error> output_error() {
  const int error_number = output_errno;
  if (error_number == 0) return std::nullopt;
  return Error{ErrorCode::Exhausted, "output_not_written",
               fmt::format("cannot write to standard output: {}",
                           std::generic_category().message(error_number))};
}

bool anything_printed() {
  return something_printed;
}

void note(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void print_error(const Error& error) {
  note(fmt::format("faceforge: {} ({})\n", to_printable(error.message), error.reason));
}

void print_image_error(std::string_view image, const Error& error) {
  note(fmt::format("faceforge: {}: {} ({})\n", to_printable(image), to_printable(error.message),
                   error.reason));
}

json::object to_json(const Error& error) {
  return {{"code", to_string(error.code)}, {"reason", error.reason}, {"message", error.message}};
}

std::string styled(Style style, std::string_view text) {
  static const bool plain = isatty(STDOUT_FILENO) == 0 || std::getenv("NO_COLOR") != nullptr;
  return plain ? std::string(text) : fmt::format("{}{}\x1b[0m", escape_of(style), text);
}

void Table::add_row(std::vector<std::string> cells) {
  CHECK(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = to_printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::to_text(size_t indent) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(column_count(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], column_count(row[i]));
  }
  const auto line_of = [&](const auto& cell_of) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += "  ";
      line += padded(cell_of(i), widths[i], columns_[i].alignment);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  std::string text =
      styled(Style::Bold, line_of([&](size_t i) { return columns_[i].title; })) + "\n";
  for (const auto& row : rows_) text += line_of([&](size_t i) { return row[i]; }) + "\n";
  return text;
}

void JsonArrayPrinter::add(const json::value& element) {
  print(empty_ ? "[\n" : ",\n");
  print(json::to_text(element));
  empty_ = false;
}

JsonArrayPrinter::~JsonArrayPrinter() {
  if (!empty_) print("\n]\n");
}

ProgressBar::ProgressBar(std::string label, size_t done_before)
    : label_(std::move(label)),
      done_before_(done_before),
      on_terminal_(isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  hide();
}

void ProgressBar::update(size_t done_count, size_t total_count, std::string_view detail) {
  if (!on_terminal_) return;
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_at_ < kRedrawEvery) return;
  drawn_at_ = now;
  note(fmt::format("{}{}{}{}", kClearLine,
                   line(label_, done_count, total_count, now - start_, done_before_),
                   detail.empty() ? "" : "  ", detail));
  visible_ = true;
}

void ProgressBar::hide() {
  const std::scoped_lock lock(mutex_);
  if (visible_) note(kClearLine);
  visible_ = false;
  drawn_at_ = {};
}

std::string ProgressBar::line(std::string_view label, size_t done_count, size_t total_count,
                              std::chrono::duration<double> elapsed, size_t done_before) {
  if (total_count == 0) return fmt::format("{} {}", label, done_count);
  constexpr size_t kWidth = 30;
  const size_t filled = std::min(kWidth, done_count * kWidth / total_count);
  return fmt::format(
      "{} [{}{}] {:3}%  {}/{}  {}", label, std::string(filled, '#'),
      std::string(kWidth - filled, '.'), done_count * 100 / total_count, done_count, total_count,
      time_left(elapsed, done_count - std::min(done_count, done_before), total_count - done_count));
}

}  // namespace faceforge::cli
