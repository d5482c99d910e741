#include "packs/internal/pack_files.h"

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/ranges.h>

#include "base/copy_file.h"
#include "base/file.h"
#include "base/sha256.h"
#include "packs/known_cards.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

Result<void> check_size(const PackFile& file, const fs::path& folder, const std::string& pack_id) {
  std::error_code failed;
  const fs::path path = folder / file.path;
  if (!fs::is_regular_file(path, failed)) {
    return fail(ErrorCode::NotFound, "pack_file_missing", "the pack {} has no file {}", pack_id,
                path.string());
  }
  const auto size_bytes = fs::file_size(path, failed);
  if (failed) return Unexpected(file_error(failed.value(), "read", path));
  constexpr auto kLimit_bytes = CardLimits{}.file_bytes;
  if (std::cmp_greater(size_bytes, kLimit_bytes)) {
    return fail(ErrorCode::TooLarge, "pack_file_too_large", "{} has {} bytes; the limit is {}",
                path.string(), size_bytes, kLimit_bytes);
  }
  if (file.size_bytes && std::cmp_not_equal(*file.size_bytes, size_bytes)) {
    return fail(ErrorCode::Corrupt, "pack_file_size",
                "{} has {} bytes; the card of the pack {} says {}", path.string(), size_bytes,
                pack_id, *file.size_bytes);
  }
  return {};
}

/// Why a folder without a card is no known pack, as far as the names of its files tell.
Unexpected unrecognized(const fs::path& folder) {
  std::vector<std::string> namesakes;
  for (const Card& card : known_cards()) {
    if (has_file_names(folder, card)) namesakes.push_back(card.id);
  }
  const std::string hint = namesakes.empty()
                               ? "its files are those of no known pack"
                               : fmt::format(
                                     "its files are named like those of {}, but have other "
                                     "contents (damaged, or another version)",
                                     fmt::join(namesakes, ", "));
  return fail(ErrorCode::Unsupported, "pack_unrecognized",
              "{} has no card.json, and {}: write a card (docs/packs.md)", folder.string(), hint);
}

}  // namespace

Result<Card> checked(const Card& card, const fs::path& folder) {
  Card filled = card;
  for (PackFile& file : filled.files) {
    TRY(check_size(file, folder, card.id));
    const fs::path path = folder / file.path;
    const std::string hash = to_hex(TRY(sha256_file(path)));
    if (file.sha256 && *file.sha256 != hash) {
      return fail(ErrorCode::Corrupt, "pack_file_sha256",
                  "{} has the sha256 {}; the card of the pack {} says {}", path.string(), hash,
                  card.id, *file.sha256);
    }
    std::error_code failed;
    file.sha256 = hash;
    file.size_bytes = static_cast<int64_t>(fs::file_size(path, failed));
    if (failed) return Unexpected(file_error(failed.value(), "read", path));
  }
  return filled;
}

Result<void> check_sizes(const Card& card, const fs::path& folder) {
  for (const PackFile& file : card.files) TRY(check_size(file, folder, card.id));
  return {};
}

Result<Card> card_of(const fs::path& folder) {
  auto card = read_card(folder);
  if (card || card.error().reason != "card_missing") return card;
  auto recognized = TRY(recognize(folder));
  if (!recognized) return unrecognized(folder);
  return *std::move(recognized);
}

bool looks_like_pack(const fs::path& folder) {
  std::error_code failed;
  if (fs::exists(folder / kCardFileName, failed)) return true;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().extension() == ".onnx") return true;
  }
  return false;
}

bool has_file_names(const fs::path& folder, const Card& card) {
  return std::ranges::all_of(card.files, [&](const PackFile& file) {
    std::error_code failed;
    return fs::is_regular_file(folder / file.path, failed);
  });
}

Result<void> copy_files(const Card& card, const fs::path& folder, const fs::path& destination) {
  TRY(check_sizes(card, folder));
  for (const PackFile& file : card.files) {
    const fs::path to = destination / file.path;
    TRY(make_private_folder(to.parent_path()));
    TRY(copy_file_atomically(folder / file.path, to));
  }
  return {};
}

Result<void> replace_folder(const fs::path& made, const fs::path& old, const fs::path& aside) {
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, old.c_str(), RENAME_EXCHANGE) == 0) return {};
  std::error_code failed;
  fs::rename(old, aside, failed);
  if (failed) return Unexpected(file_error(failed.value(), "replace", old));
  fs::rename(made, old, failed);
  if (!failed) return {};
  std::error_code lost;
  fs::rename(aside, old, lost);
  if (lost) return Unexpected(file_error(lost.value(), "bring back what was aside to", old));
  return Unexpected(file_error(failed.value(), "replace", old));
}

Result<std::vector<fs::path>> subfolders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  fs::directory_iterator entry(folder, failed);
  if (failed == std::errc::no_such_file_or_directory) return found;
  for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;
    if (entry->path().filename().string().front() != '.' && entry->is_directory(ignored)) {
      found.push_back(entry->path());
    }
  }
  if (failed) return Unexpected(file_error(failed.value(), "read", folder));
  std::ranges::sort(found);
  return found;
}

}  // namespace faceforge::packs
