#include "dataset/internal/rename_journal.h"

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

#include "image/file_ending.h"

namespace faceforge::dataset {
namespace {

constexpr std::string_view kTitle = "faceforge-rename 1";
constexpr std::string_view kRename = "rename";
constexpr std::string_view kUndo = "undo";
constexpr std::string_view kEnd = "end";
constexpr std::string_view kBetweenPrefix = ".faceforge-rename-";
constexpr size_t kTokenDigits = 16;
constexpr size_t kMaxNameBytes = 1024;  // 255 units of UTF-16, as NTFS and exFAT have them, are 765

void add_field(std::string& bytes, std::string_view field) {
  bytes += field;
  bytes += '\0';
}

/// Takes one field after the other; what is missing makes all that follow nothing.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::string_view> text() {
    const size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return field;
  }

  template <std::integral Number>
  bool number(Number& into) {
    const auto field = text();
    if (!field) return false;
    const auto [end, error] = std::from_chars(field->data(), field->data() + field->size(), into);
    return error == std::errc() && end == field->data() + field->size();
  }

  /// The name of an entry of one folder, and nothing that leads elsewhere.
  bool name(std::string& into) {
    const auto field = text();
    if (!field || field->empty() || field->size() > kMaxNameBytes || *field == "." ||
        *field == ".." || field->contains('/')) {
      return false;
    }
    into = *field;
    return true;
  }

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool read_move(Fields& fields, Move& move) {
  return fields.name(move.from) && fields.name(move.to) && fields.number(move.mark.size_bytes) &&
         fields.number(move.mark.modified_ns);
}

bool read_head(Fields& fields, RenameJournal& journal) {
  if (fields.text() != kTitle) return false;
  const auto direction = fields.text();
  if (direction != kRename && direction != kUndo) return false;
  journal.direction = direction == kUndo ? RenameDirection::Undo : RenameDirection::Rename;
  if (!fields.number(journal.number) || !fields.name(journal.token)) return false;
  return journal.token.size() == kTokenDigits &&
         journal.token.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool read_folder(Fields& fields, FolderMoves& folder) {
  size_t count = 0;
  if (!fields.name(folder.folder) || !fields.number(count) || count > kMaxRenameCount) return false;
  for (size_t i = 0; i < count; ++i) {
    if (!read_move(fields, folder.moves.emplace_back())) return false;
  }
  return true;
}

bool read_journal(Fields& fields, RenameJournal& journal) {
  size_t folder_count = 0;
  if (!read_head(fields, journal) || !fields.number(folder_count)) return false;
  if (folder_count > kMaxRenameCount) return false;
  for (size_t i = 0; i < folder_count; ++i) {
    if (!read_folder(fields, journal.folders.emplace_back())) return false;
  }
  return fields.text() == kEnd && fields.is_at_end();
}

}  // namespace

std::string to_bytes(const RenameJournal& journal) {
  std::string bytes;
  add_field(bytes, kTitle);
  add_field(bytes, journal.direction == RenameDirection::Undo ? kUndo : kRename);
  add_field(bytes, std::to_string(journal.number));
  add_field(bytes, journal.token);
  add_field(bytes, std::to_string(journal.folders.size()));
  for (const FolderMoves& folder : journal.folders) {
    add_field(bytes, folder.folder);
    add_field(bytes, std::to_string(folder.moves.size()));
    for (const Move& move : folder.moves) {
      add_field(bytes, move.from);
      add_field(bytes, move.to);
      add_field(bytes, std::to_string(move.mark.size_bytes));
      add_field(bytes, std::to_string(move.mark.modified_ns));
    }
  }
  add_field(bytes, kEnd);
  return bytes;
}

Result<RenameJournal> parse_rename_journal(std::string_view bytes) {
  Fields fields(bytes);
  RenameJournal journal;
  if (!read_journal(fields, journal)) {
    return fail(ErrorCode::Corrupt, "rename_journal_damaged",
                "this is no journal of a rename, or not all of one");
  }
  return journal;
}

std::string name_between(const RenameJournal& journal, size_t move_index, const Move& move) {
  return fmt::format("{}{}-{}{}", kBetweenPrefix, journal.token, move_index,
                     image::lower_case_ending(move.to));
}

bool is_name_between(std::string_view name) {
  return name.starts_with(kBetweenPrefix) && image::has_photo_ending(name);
}

}  // namespace faceforge::dataset
