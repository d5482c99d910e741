#include "dataset/fetch_lfw.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "archive/tar.h"
#include "base/file.h"
#include "base/person_folders.h"
#include "base/sha256.h"
#include "dataset/pack.h"
#include "image/file_ending.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;

struct KnownArchive {
  std::string_view name;
  std::string_view sha256;
};

constexpr std::array<KnownArchive, 2> kKnownArchives{{
    {"lfw.tgz", "055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0"},
    {"lfw-funneled.tgz", "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a"},
}};

bool is_url(std::string_view what) {
  return what.starts_with("http://") || what.starts_with("https://");
}

/// What the archive's sum must be: as asked for, else that of the known archive whose name it has.
std::optional<std::string> expected_sum(std::string_view url_or_file,
                                        const std::optional<std::string>& asked_for) {
  if (asked_for) return asked_for;
  const std::string_view name = url_or_file.substr(url_or_file.find_last_of('/') + 1);
  const auto known = std::ranges::find(kKnownArchives, name, &KnownArchive::name);
  if (known == kKnownArchives.end()) return std::nullopt;
  return std::string(known->sha256);
}

std::optional<std::string_view> known_name(std::string_view sum) {
  const auto known = std::ranges::find(kKnownArchives, sum, &KnownArchive::sha256);
  if (known == kKnownArchives.end()) return std::nullopt;
  return known->name;
}

/// fails: as sha256_file; invalid_input/sha256_invalid; corrupt/sha256_mismatch
Result<std::string> checked_sum(const fs::path& file, const std::optional<std::string>& expected) {
  const Sha256 sum = TRY(sha256_file(file));
  if (!expected) return to_hex(sum);
  const auto wanted = sha256_from_hex(*expected);
  if (!wanted) {
    return fail(ErrorCode::InvalidInput, "sha256_invalid",
                "`{}` is no SHA-256: 64 hexadecimal digits", *expected);
  }
  if (*wanted == sum) return to_hex(sum);
  return fail(ErrorCode::Corrupt, "sha256_mismatch", "{} has the SHA-256 {}, not {}", file.string(),
              to_hex(sum), to_hex(*wanted));
}

/// fails: as archive::extract_tar; invalid_input/no_people_in_archive, and the folder is removed
Result<void> unpack(const fs::path& file, const FetchOptions& options, FetchReport& report) {
  const auto progress = [&](uint64_t done, uint64_t total) {
    if (options.report) options.report("unpacking", done, total);
  };
  TRY(archive::extract_tar(
      file, options.output,
      {.leave_out_outer_folders = true, .report = progress, .stop = options.stop}));
  const auto people = TRY(list_person_folders(options.output, kMaxPhotoCount));
  for (const PersonFolder& person : people) {
    const auto count = std::ranges::count_if(person.photos, image::has_photo_ending);
    report.person_count += count > 0 ? 1 : 0;
    report.photo_count += static_cast<size_t>(count);
  }
  if (report.photo_count > 0) return {};
  std::error_code ignored;
  fs::remove_all(options.output, ignored);  // made by this very call
  return fail(ErrorCode::InvalidInput, "no_people_in_archive",
              "{} holds no PERSON/PHOTO: it is no archive of people's photos", file.string());
}

/// Where an archive lies until it is unpacked: always the same, so that a download that broke off
/// is resumed, and by a name that is no file of anybody's.
fs::path download_beside(const fs::path& output) {
  const fs::path folder = output.lexically_normal();
  const fs::path name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
  const fs::path parent =
      folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  return parent / fmt::format(".faceforge-download-{}.tgz", name.string());
}

Result<FetchReport> fetch_url(const std::string& url, const FetchOptions& options) {
  FetchReport report;
  TRY(net::check_url(url));
  if (options.dry_run) return report;
  const fs::path file = download_beside(options.output);
  const auto downloaded =
      TRY(net::download(url, file,
                        {.expected_sha256 = expected_sum(url, options.sha256),
                         .allowed_addresses = options.allowed_addresses,
                         .on_progress =
                             [&](const net::DownloadProgress& progress) {
                               if (!options.report) return;
                               options.report("downloading", progress.received_bytes,
                                              progress.total_bytes.value_or(0));
                             },
                         .cancelled = options.cancelled}));
  report.sha256 = downloaded.sha256;
  report.known_as = known_name(report.sha256);
  TRY(unpack(file, options, report));
  std::error_code ignored;
  fs::remove(file, ignored);  // left behind, it would only take room
  return report;
}

Result<FetchReport> fetch_file(const fs::path& file, const FetchOptions& options) {
  FetchReport report;
  report.sha256 = TRY(checked_sum(file, expected_sum(file.string(), options.sha256)));
  report.known_as = known_name(report.sha256);
  if (!options.dry_run) TRY(unpack(file, options, report));
  return report;
}

}  // namespace

Result<FetchReport> fetch_lfw(const std::string& url_or_file, const FetchOptions& options) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(options.output, ignored))) {
    return fail(ErrorCode::AlreadyExists, "folder_exists", "{} exists already",
                options.output.string());
  }
  if (is_url(url_or_file)) return fetch_url(url_or_file, options);
  return fetch_file(url_or_file, options);
}

}  // namespace faceforge::dataset
