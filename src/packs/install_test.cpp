#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/zip.h"
#include "base/file.h"
#include "packs/internal/packs_lock.h"
#include "packs/internal/tiny_pack.h"
#include "packs/registry.h"
#include "support/ordinary_user.h"
#include "support/test_data.h"
#include "support/web_server.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using test::WebServer;
using test_support::KnownHashes;
using test_support::TinyPack;
using test_support::write_tiny_pack;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

template <typename T>
std::string reason_of(const Result<T>& result) {
  return result ? "no error" : result.error().reason;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Puts every file of a folder into a zip, under `prefix`.
void add_to_zip(const fs::path& folder, const std::string& prefix, archive::ZipEntries& entries) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = prefix + entry.path().lexically_relative(folder).generic_string();
    entries[name] = read_file(entry.path(), 1 << 24).value();
  }
}

class InstallTest : public ::testing::Test {
 protected:
  InstallTest() { fs::create_directories(source()); }

  fs::path packs() const { return folder_.path() / "packs"; }
  fs::path source() const { return folder_.path() / "source"; }
  fs::path zip_path() const { return folder_.path() / "pack.zip"; }
  Registry registry() const { return Registry({.packs_folder = packs()}); }

  static InstallOptions accepted() {
    return {.licence_consent = LicenceConsent::Given,
            .allowed_addresses = net::AllowedAddresses::Any,
            .download_retry_limit = 1};
  }

  Result<InstallReport> install(const fs::path& what) const {
    return registry().install(what.string(), accepted());
  }

  /// Nothing is left of an installation but its lock, its downloads, and what was there before.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(packs())) {
      const std::string name = entry.path().filename().string();
      if (name != ".lock" && name != ".downloads") found.push_back(name);
    }
    return found;
  }

  void write_zip(const archive::ZipEntries& entries) const {
    ASSERT_TRUE(write_file_atomically(zip_path(), archive::write_zip(entries).value()));
  }

  void change_byte(const fs::path& file, size_t offset, std::byte value) const {
    auto bytes = read_file(file, 1 << 24).value();
    bytes.at(offset) = value;
    ASSERT_TRUE(write_file_atomically(file, bytes));
  }

  test::TemporaryFolder folder_;
};

// ---- from a folder

TEST_F(InstallTest, AFolderIsCopiedCheckedAndMadeTheDefault) {
  write_tiny_pack(source());
  ASSERT_TRUE(write_file_atomically(source() / "notes.txt", std::string_view("mine")));
  const auto report = install(source());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->outcome, InstallOutcome::Installed);
  EXPECT_EQ(report->folder, packs() / "tiny");
  EXPECT_FALSE(fs::exists(packs() / "tiny/notes.txt"));  // only what the card names
  EXPECT_EQ(registry().default_pack()->card.id, "tiny");
  EXPECT_TRUE(registry().open("tiny"));
  EXPECT_THAT(leftovers(), ElementsAre("tiny"));
}

TEST_F(InstallTest, WhatTheCardDoesNotKnowIsRecordedAndCheckedEverAfter) {
  const Card filled = write_tiny_pack(source(), {}, KnownHashes::None);
  ASSERT_FALSE(model_id(*read_card(source())));
  ASSERT_TRUE(install(source()));
  EXPECT_EQ(registry().open("tiny")->model_id, *model_id(filled));
  change_byte(packs() / "tiny/detector.onnx", 200, std::byte{0x55});
  EXPECT_EQ(reason_of(registry().open("tiny")), "pack_file_sha256");
}

TEST_F(InstallTest, ASecondInstallationChangesNothing) {
  write_tiny_pack(source());
  ASSERT_TRUE(install(source()));
  const auto time = fs::last_write_time(packs() / "tiny/card.json");
  EXPECT_EQ(install(source())->outcome, InstallOutcome::AlreadyInstalled);
  EXPECT_EQ(fs::last_write_time(packs() / "tiny/card.json"), time);
}

TEST_F(InstallTest, ADamagedPackIsRepairedByInstallingItAgain) {
  write_tiny_pack(source());
  ASSERT_TRUE(install(source()));
  change_byte(packs() / "tiny/detector.onnx", 200, std::byte{0x55});
  ASSERT_FALSE(registry().open("tiny"));
  EXPECT_EQ(install(source())->outcome, InstallOutcome::Repaired);
  EXPECT_TRUE(registry().open("tiny"));
  EXPECT_THAT(leftovers(), ElementsAre("tiny"));
}

TEST_F(InstallTest, AnotherPackOfTheSameIdDoesNotReplaceAnIntactOne) {
  write_tiny_pack(source());
  ASSERT_TRUE(install(source()));
  const auto before = registry().open("tiny")->model_id;
  write_tiny_pack(source(), {.weight = 0.02F});
  const auto refused = install(source());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_EQ(refused.error().reason, "pack_differs");
  EXPECT_EQ(registry().open("tiny")->model_id, before);
}

TEST_F(InstallTest, AWrongSha256ChangesNothing) {
  write_tiny_pack(source());
  change_byte(source() / "nets/embedder.onnx", 300, std::byte{0x55});
  const auto refused = install(source());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(refused.error().reason, "pack_file_sha256");
  EXPECT_THAT(refused.error().message, HasSubstr("embedder.onnx"));
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, AMissingFileAndOneOfAnotherSizeAreNamed) {
  write_tiny_pack(source());
  fs::resize_file(source() / "detector.onnx", 10);
  EXPECT_EQ(reason_of(install(source())), "pack_file_size");
  fs::remove(source() / "detector.onnx");
  const auto missing = install(source());
  EXPECT_EQ(reason_of(missing), "pack_file_missing");
  EXPECT_THAT(missing.error().message, HasSubstr("detector.onnx"));
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, ACorruptNetworkIsFoundBeforeThePackIsInPlace) {
  write_tiny_pack(source(), {}, KnownHashes::None);
  const fs::path embedder = source() / "nets/embedder.onnx";
  const auto whole = read_file(embedder, 1 << 24).value();
  fs::resize_file(embedder, whole.size() / 2);
  const auto truncated = install(source());
  ASSERT_FALSE(truncated);
  EXPECT_EQ(truncated.error().code, ErrorCode::Corrupt);
  ASSERT_TRUE(write_file_atomically(embedder, std::string_view("not ONNX at all")));
  EXPECT_EQ(install(source()).error().code, ErrorCode::Corrupt);
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, ATensorThatReachesBeyondItsFileIsFound) {
  write_tiny_pack(source(), {}, KnownHashes::None);
  const fs::path embedder = source() / "nets/embedder.onnx";
  auto bytes = read_file(embedder, 1 << 24).value();
  // The shape [8, 3, 16, 16] of the filter, field by field or packed, as [8, 3, 16, 96].
  std::string text = text_of(bytes);
  size_t at = text.find("\x08\x08\x08\x03\x08\x10\x08\x10");
  size_t last = at + 7;
  if (at == std::string::npos) {
    at = text.find("\x0a\x04\x08\x03\x10\x10");
    last = at + 5;
  }
  ASSERT_NE(at, std::string::npos);
  change_byte(embedder, last, std::byte{0x60});
  const auto refused = install(source());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "tensor_outside_file");
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, ANetworkOfAnotherShapeThanTheCardSaysIsFound) {
  Card card = write_tiny_pack(source());
  card.embedders.at(0).output_length = 16;
  ASSERT_TRUE(write_card(card, source()));
  EXPECT_EQ(reason_of(install(source())), "network_shape");
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, AFolderWithoutAPackIsUnrecognized) {
  ASSERT_TRUE(write_file_atomically(source() / "a.txt", std::string_view("a")));
  EXPECT_EQ(reason_of(install(source())), "pack_unrecognized");
  ASSERT_TRUE(write_file_atomically(source() / "a.onnx", std::string_view("a")));
  EXPECT_EQ(reason_of(install(source())), "pack_unrecognized");
}

TEST_F(InstallTest, ADamagedCardSaysWhichFieldIsWrong) {
  write_tiny_pack(source());
  ASSERT_TRUE(write_file_atomically(source() / "card.json", std::string_view("{\"id\": 1}")));
  const auto refused = install(source());
  EXPECT_EQ(reason_of(refused), "card_invalid");
}

// ---- from a zip

TEST_F(InstallTest, AZipMayHoldItsFilesAtTheTopOrInFolders) {
  write_tiny_pack(source());
  for (const char* prefix : {"", "tiny/", "outer folder/tiny/"}) {
    archive::ZipEntries entries;
    add_to_zip(source(), prefix, entries);
    entries["outer folder/read me.txt"] = {};
    write_zip(entries);
    const auto report = install(zip_path());
    ASSERT_TRUE(report) << prefix << ": " << report.error().message;
    EXPECT_TRUE(registry().open("tiny"));
    ASSERT_TRUE(registry().remove("tiny"));
  }
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, AZipWithTwoPacksIsAmbiguous) {
  write_tiny_pack(source());
  archive::ZipEntries entries;
  add_to_zip(source(), "one/", entries);
  add_to_zip(source(), "two/", entries);
  write_zip(entries);
  const auto refused = install(zip_path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "pack_ambiguous");
  EXPECT_THAT(refused.error().message, HasSubstr("one, two"));
}

TEST_F(InstallTest, AZipThatClimbsOutOfItsFolderIsRefused) {
  write_tiny_pack(source());
  archive::ZipEntries entries;
  add_to_zip(source(), "", entries);
  entries["xx/evil.txt"] = {std::byte{'!'}};
  std::string zip = text_of(archive::write_zip(entries).value());
  for (size_t at = zip.find("xx/evil.txt"); at != std::string::npos;
       at = zip.find("xx/evil.txt", at)) {
    zip.replace(at, 2, "..");
  }
  ASSERT_TRUE(write_file_atomically(zip_path(), std::string_view(zip)));
  EXPECT_EQ(reason_of(install(zip_path())), "zip_unsafe_name");
  EXPECT_THAT(leftovers(), IsEmpty());
  EXPECT_FALSE(fs::exists(packs() / "evil.txt"));
}

TEST_F(InstallTest, AFileThatIsNoZipIsRefused) {
  ASSERT_TRUE(write_file_atomically(zip_path(), std::string_view("PK, but no zip")));
  EXPECT_EQ(reason_of(install(zip_path())), "not_a_zip");
  EXPECT_THAT(leftovers(), IsEmpty());
}

// ---- from a URL

class InstallFromUrl : public InstallTest {
 protected:
  InstallFromUrl() {
    write_tiny_pack(source());
    archive::ZipEntries entries;
    add_to_zip(source(), "tiny/", entries);
    zip_ = text_of(archive::write_zip(entries).value());
  }

  /// Answers with the zip from where the request wants it, `length` bytes of it.
  WebServer::Answer answer(const std::string& request, size_t length) const {
    const std::string range = WebServer::header(request, "Range: bytes=");
    const size_t from = range.empty() ? 0 : std::stoul(range);
    std::string head = from == 0 ? "HTTP/1.1 200 OK" : "HTTP/1.1 206 Partial Content";
    if (from != 0) {
      head += fmt::format("\r\nContent-Range: bytes {}-{}/{}", from, zip_.size() - 1, zip_.size());
    }
    head += fmt::format("\r\nContent-Length: {}\r\nETag: \"one\"", zip_.size() - from);
    return {head, zip_.substr(from, length)};
  }

  std::string zip_;
};

TEST_F(InstallFromUrl, AConnectionThatBreaksHalfWayIsResumed) {
  const size_t half = zip_.size() / 2;
  const WebServer server([&](const std::string& request, int number) {
    return answer(request, number == 0 ? half : std::string::npos);
  });
  const auto report = registry().install(server.url(), accepted());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(server.ranges(), ElementsAre("", fmt::format("bytes={}-", half)));
  EXPECT_TRUE(registry().open("tiny"));
  EXPECT_TRUE(fs::is_empty(packs() / ".downloads"));
}

TEST_F(InstallFromUrl, ADownloadThatWasGivenUpIsResumedByTheNextInstallation) {
  const size_t half = zip_.size() / 2;
  std::atomic<bool> is_down = true;
  const WebServer server([&](const std::string& request, int number) {
    if (number == 0) return answer(request, half);
    if (is_down) return WebServer::Answer{"HTTP/1.1 503 Busy\r\nContent-Length: 0", ""};
    return answer(request, std::string::npos);
  });
  const auto interrupted = registry().install(server.url(), accepted());
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().code, ErrorCode::Busy);
  EXPECT_THAT(leftovers(), IsEmpty());
  is_down = false;
  const auto report = registry().install(server.url(), accepted());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(server.ranges().back(), fmt::format("bytes={}-", half));
}

TEST_F(InstallFromUrl, AnAddressInsideTheNetworkIsRefusedByDefault) {
  const WebServer server(
      [&](const std::string& request, int) { return answer(request, std::string::npos); });
  InstallOptions options = accepted();
  options.allowed_addresses = net::AllowedAddresses::PublicOnly;
  EXPECT_EQ(reason_of(registry().install(server.url(), options)), "address_not_allowed");
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(InstallFromUrl, WhatIsNotThereIsNotFound) {
  const WebServer server([](const std::string&, int) {
    return WebServer::Answer{"HTTP/1.1 404 Not Found\r\nContent-Length: 0", ""};
  });
  EXPECT_EQ(reason_of(registry().install(server.url(), accepted())), "url_not_found");
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallFromUrl, ADeclinedLicenceKeepsTheDownloadForTheNextInstallation) {
  const WebServer server(
      [&](const std::string& request, int) { return answer(request, std::string::npos); });
  InstallOptions options = accepted();
  options.licence_consent = LicenceConsent::Ask;
  EXPECT_EQ(reason_of(registry().install(server.url(), options)), "licence_not_accepted");
  EXPECT_TRUE(registry().install(server.url(), accepted()));
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_TRUE(fs::is_empty(packs() / ".downloads"));
}

TEST_F(InstallFromUrl, ADownloadKeptForMoreThanADayIsMadeAgain) {
  const WebServer server(
      [&](const std::string& request, int) { return answer(request, std::string::npos); });
  InstallOptions options = accepted();
  options.licence_consent = LicenceConsent::Ask;
  EXPECT_EQ(reason_of(registry().install(server.url(), options)), "licence_not_accepted");
  for (const auto& kept : fs::directory_iterator(packs() / ".downloads")) {
    fs::last_write_time(kept.path(), fs::file_time_type::clock::now() - std::chrono::hours(25));
  }
  EXPECT_TRUE(registry().install(server.url(), accepted()));
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(InstallFromUrl, ADownloadThatIsNoPackIsNotKept) {
  zip_ = "PK, but no zip";
  const WebServer server(
      [&](const std::string& request, int) { return answer(request, std::string::npos); });
  EXPECT_EQ(reason_of(registry().install(server.url(), accepted())), "not_a_zip");
  EXPECT_TRUE(fs::is_empty(packs() / ".downloads"));
}

// ---- licences, and what is asked for

TEST_F(InstallTest, ALicenceThatNobodyAcceptedStopsTheInstallation) {
  write_tiny_pack(source());
  const auto refused = registry().install(source().string(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Forbidden);
  EXPECT_EQ(refused.error().reason, "licence_not_accepted");
  EXPECT_THAT(refused.error().message, HasSubstr("--accept-licence"));
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, TheLicenceIsShownOnceAndTheAnswerDecides) {
  write_tiny_pack(source());
  int asked_count = 0;
  LicenceAnswer answer = LicenceAnswer::Declined;
  const InstallOptions options{.ask_licence = [&](const Card& card) {
    ++asked_count;
    EXPECT_EQ(card.licence.label, "MIT");
    return answer;
  }};
  EXPECT_EQ(reason_of(registry().install(source().string(), options)), "licence_not_accepted");
  answer = LicenceAnswer::Accepted;
  EXPECT_TRUE(registry().install(source().string(), options));
  EXPECT_EQ(asked_count, 2);
}

TEST_F(InstallTest, TheLicenceOfAKnownPackIsAskedForBeforeAnythingIsDownloaded) {
  std::string shown;
  const InstallOptions options{.ask_licence = [&](const Card& card) {
    shown = card.licence.text;
    return LicenceAnswer::Declined;
  }};
  EXPECT_EQ(reason_of(registry().install("buffalo_sc", options)), "licence_not_accepted");
  EXPECT_THAT(shown, HasSubstr("non-commercial"));
  EXPECT_FALSE(fs::exists(packs() / ".downloads"));
}

TEST_F(InstallTest, AnUnknownIdNamesNearOnes) {
  const auto unknown = registry().install("buffalo-l", accepted());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().reason, "pack_unknown");
  EXPECT_THAT(unknown.error().message, HasSubstr("buffalo_l"));
  EXPECT_EQ(reason_of(install("/no/such/folder")), "pack_unknown");
}

TEST_F(InstallTest, ANameOfAPackThatIsHereAndNotKnownSaysWhatToGive) {
  write_tiny_pack(source());
  ASSERT_TRUE(install(source()));
  const auto again = registry().install("tiny", accepted());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "pack_unknown");
  EXPECT_THAT(again.error().message, HasSubstr("`tiny` is here already"));
}

TEST_F(InstallTest, APackThatCannotBeDownloadedSaysWhatToGive) {
  const auto refused = registry().install("yunet-mbf", accepted());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(refused.error().reason, "pack_has_no_source");
}

TEST_F(InstallTest, TheNpmPackageThatIsNotThereSaysWhatToRun) {
  InstallOptions options = accepted();
  options.npm_folders = {folder_.path() / "no package"};
  EXPECT_EQ(reason_of(registry().install("faceapi", options)), "npm_package_missing");
  // Nobody says where: node_modules of this folder and those above it are searched.
  options.npm_folders.clear();
  const fs::path here = fs::current_path();
  fs::current_path(folder_.path());
  const auto missing = registry().install("faceapi", options);
  fs::current_path(here);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "npm_package_missing");
  EXPECT_THAT(missing.error().message, HasSubstr("npm ci --ignore-scripts"));
}

TEST_F(InstallTest, ACancelledInstallationChangesNothing) {
  write_tiny_pack(source());
  const std::atomic<bool> cancelled = true;
  InstallOptions options = accepted();
  options.cancelled = &cancelled;
  EXPECT_EQ(reason_of(registry().install(source().string(), options)), "install_cancelled");
  EXPECT_THAT(leftovers(), IsEmpty());
}

// ---- the folder that it all goes into

TEST_F(InstallTest, TwoInstallationsAtOnceDoNotMeet) {
  write_tiny_pack(source());
  const auto lock = PacksLock::take(packs());
  ASSERT_TRUE(lock);
  const auto refused = install(source());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  EXPECT_EQ(refused.error().reason, "install_in_progress");
}

TEST_F(InstallTest, WhatAKilledInstallationLeftIsRemovedByTheNext) {
  write_tiny_pack(source());
  fs::create_directories(packs() / ".staging/pack");
  ASSERT_TRUE(write_file_atomically(packs() / ".staging/pack/half.onnx", std::string_view("x")));
  ASSERT_TRUE(install(source()));
  EXPECT_THAT(leftovers(), ElementsAre("tiny"));
}

TEST_F(InstallTest, AReadOnlyPacksFolderIsForbidden) {
  write_tiny_pack(source());
  fs::create_directories(packs());
  const test::AsOrdinaryUser ordinary(folder_.path());
  fs::permissions(packs(), fs::perms::owner_read | fs::perms::owner_exec);
  const auto refused = install(source());
  fs::permissions(packs(), fs::perms::owner_all);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Forbidden);
  EXPECT_EQ(refused.error().reason, "file_not_writable");
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(InstallTest, AReadOnlySourceMakesAPackThatCanBeRemoved) {
  write_tiny_pack(source());
  for (const auto& entry : fs::recursive_directory_iterator(source())) {
    if (entry.is_regular_file()) fs::permissions(entry.path(), fs::perms::owner_read);
  }
  ASSERT_TRUE(install(source()));
  EXPECT_TRUE(registry().remove("tiny"));
}

TEST_F(InstallTest, AFullDiskChangesNothingWhereverItIsMet) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a small disk takes root";
  write_tiny_pack(source());
  fs::create_directories(packs());
  // In a child with mounts of its own, so that nobody else ever sees the small disk.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      ::_exit(77);
    }
    int refusal_count = 0;
    for (int size_kib = 4; size_kib <= 1024; size_kib += 4) {
      const std::string size = fmt::format("size={}k", size_kib);
      if (::mount("none", packs().c_str(), "tmpfs", 0, size.c_str()) != 0) ::_exit(77);
      const auto installed = install(source());
      if (installed) ::_exit(refusal_count > 2 ? 0 : 2);
      const bool is_honest = installed.error().code == ErrorCode::Exhausted &&
                             installed.error().reason == "disk_full" && leftovers().empty();
      if (!is_honest) ::_exit(1);
      ++refusal_count;
      ::umount(packs().c_str());
    }
    ::_exit(3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this system lets nobody mount a small disk";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(InstallTest, APackOfTheTestDataIsInstalledByItsIdFromThePlaceWhereItLies) {
  SKIP_WITHOUT_TEST_DATA(data);
  const Registry here({.packs_folder = packs(), .in_place_folder = data / "packs"});
  const auto report = here.install("scrfd500-mbf", accepted());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->outcome, InstallOutcome::Installed);
  EXPECT_EQ(registry().open("scrfd500-mbf")->pack_id, "scrfd500-mbf");
  EXPECT_EQ(registry().install("scrfd500-mbf", {})->outcome, InstallOutcome::AlreadyInstalled);
}

}  // namespace
}  // namespace faceforge::packs
