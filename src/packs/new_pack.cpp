#include "packs/new_pack.h"

#include <system_error>
#include <utility>

#include "base/copy_file.h"
#include "base/file.h"
#include "packs/internal/pack_files.h"
#include "vision/pipeline.h"

namespace faceforge::packs {

namespace fs = std::filesystem;

NewPack::NewPack(fs::path folder, ScratchFolder staging)
    : folder_(std::move(folder)), staging_(std::move(staging)) {}

Result<NewPack> NewPack::create(const fs::path& folder) {
  std::error_code failed;
  if (fs::exists(fs::symlink_status(folder, failed))) {
    return fail(ErrorCode::Conflict, "folder_exists",
                "{} exists: remove it, or name another folder", folder.string());
  }
  const fs::path place = fs::absolute(folder);
  const fs::path parent = place.parent_path();
  fs::create_directories(parent, failed);
  if (failed) return Unexpected(file_error(failed.value(), "make the folder", parent));
  ScratchFolder staging = TRY(ScratchFolder::create_in(parent, ".new-pack-"));
  return NewPack(place, std::move(staging));
}

Result<void> NewPack::copy_in(const fs::path& source, const fs::path& path) const {
  const fs::path destination = staging() / path;
  TRY(make_private_folder(destination.parent_path()));
  return copy_file_atomically(source, destination);
}

Result<void> NewPack::write_in(std::span<const std::byte> contents, const fs::path& path) const {
  const fs::path destination = staging() / path;
  TRY(make_private_folder(destination.parent_path()));
  return write_file_atomically(destination, contents);
}

Result<Card> NewPack::finish(const Card& card) {
  TRY(write_card(card, staging()));
  Card written = TRY(read_card(staging()));
  TRY(checked(written, staging()));
  TRY(vision::Pipeline::load(pipeline_spec(written, staging())));
  // Fails where another process has made that folder meanwhile, unless it is empty.
  std::error_code failed;
  fs::rename(staging(), folder_, failed);
  if (failed) return Unexpected(file_error(failed.value(), "make the folder", folder_));
  staging_.release();
  fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::replace, failed);
  return written;
}

}  // namespace faceforge::packs
