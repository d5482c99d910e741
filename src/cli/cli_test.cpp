#include <atomic>
#include <clocale>
#include <fstream>
#include <functional>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/face_drawing.h"
#include "cli/listen_address.h"
#include "cli/ordered_work.h"
#include "cli/photo_list.h"
#include "cli/program.h"
#include "cli/text.h"
#include "cli/web_folder.h"
#include "support/test_data.h"

namespace faceforge::cli {
namespace {

// The table of docs/cli.md, row by row.
TEST(ExitCode, IsTheOneThatIsDocumented) {
  EXPECT_EQ(kExitDone, 0);
  EXPECT_EQ(kExitNoMatch, 1);
  EXPECT_EQ(kExitSomeFailed, 2);
  for (const ErrorCode wrong_input :
       {ErrorCode::InvalidInput, ErrorCode::TooLarge, ErrorCode::Unsupported,
        ErrorCode::AlreadyExists, ErrorCode::Conflict}) {
    EXPECT_EQ(exit_code(wrong_input), 3) << to_string(wrong_input);
  }
  EXPECT_EQ(exit_code(ErrorCode::NotFound), 4);
  EXPECT_EQ(exit_code(ErrorCode::Busy), 5);
  EXPECT_EQ(exit_code(ErrorCode::Exhausted), 6);
  EXPECT_EQ(exit_code(ErrorCode::Corrupt), 7);
  EXPECT_EQ(exit_code(ErrorCode::Unauthenticated), 8);
  EXPECT_EQ(exit_code(ErrorCode::Forbidden), 8);
  EXPECT_EQ(kExitUsage, 64);
  EXPECT_EQ(exit_code(ErrorCode::Internal), 70);
  EXPECT_EQ(exit_code(ErrorCode::Cancelled), 130);
}

int exit_code_of(const std::function<Result<int>()>& work) {
  Chosen chosen;
  chosen.run = [&](const Interrupt&) { return work(); };
  return run_chosen(chosen, Interrupt::listen());
}

TEST(Program, WhatIsThrownIsTheErrorThatItMeans) {
  EXPECT_EQ(exit_code_of([] { return 2; }), 2);
  EXPECT_EQ(exit_code_of([] { return fail(ErrorCode::Busy, "busy", "busy"); }), 5);
  EXPECT_EQ(exit_code_of([]() -> Result<int> { throw std::bad_alloc(); }), 6);
  EXPECT_EQ(exit_code_of([]() -> Result<int> { throw std::logic_error("a bug"); }), 70);
}

TEST(OrderedWork, OutcomesAreConsumedInOrderOnTheCallingThread) {
  const auto caller = std::this_thread::get_id();
  std::vector<size_t> consumed;
  const size_t count = compute_in_order(
      500, 3, {},
      [](size_t index) {
        if (index % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
        return index * index;
      },
      [&](size_t index, size_t square) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_EQ(square, index * index);
        consumed.push_back(index);
      });
  EXPECT_EQ(count, 500);
  for (size_t i = 0; i < consumed.size(); ++i) EXPECT_EQ(consumed[i], i);
}

TEST(OrderedWork, OnlyAFewOutcomesWaitForASlowOne) {
  std::atomic<size_t> begun = 0;
  compute_in_order(
      1000, 2, {},
      [&](size_t index) {
        ++begun;
        if (index == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return index;
      },
      [&](size_t index, size_t) {
        if (index > 0) return;
        EXPECT_LE(begun, 9);  // itself and the window of eight
      });
}

TEST(OrderedWork, AStopLeavesTheFirstOnesWithoutAGap) {
  std::stop_source source;
  std::vector<size_t> consumed;
  const size_t count = compute_in_order(
      100'000, 2, source.get_token(), [](size_t index) { return index; },
      [&](size_t index, size_t) {
        consumed.push_back(index);
        if (index == 10) source.request_stop();
      });
  EXPECT_EQ(count, consumed.size());
  EXPECT_GE(count, 11);
  EXPECT_LT(count, 11 + 8 + 1);  // what had begun is finished
  for (size_t i = 0; i < consumed.size(); ++i) EXPECT_EQ(consumed[i], i);
}

TEST(OrderedWork, WhatIsThrownComesOutOnTheCallingThread) {
  const auto throw_at_seven = [](size_t index) {
    if (index == 7) throw std::bad_alloc();
    return index;
  };
  const auto return_it = [](size_t index) { return index; };
  EXPECT_THROW(compute_in_order(1000, 3, {}, throw_at_seven, [](size_t, size_t) {}),
               std::bad_alloc);
  EXPECT_THROW(compute_in_order(1000, 3, {}, return_it,
                                [&](size_t index, size_t) { throw_at_seven(index); }),
               std::bad_alloc);
}

TEST(OrderedWork, NoWorkIsDoneAtOnce) {
  EXPECT_EQ(compute_in_order(
                0, 4, {}, [](size_t i) { return i; }, [](size_t, size_t) {}),
            0);
}

TEST(Text, ControlCharactersAreShownAndDoNothing) {
  EXPECT_EQ(to_printable("a\x1b[2Jb\nc"), "a\\x1b[2Jb\\x0ac");
  EXPECT_EQ(to_printable("\xE2\x80\xAE"
                         "gpj.exe"),
            "\\u202egpj.exe");  // right-to-left override
  EXPECT_EQ(to_printable("Zoë 😀"), "Zoë 😀");
}

TEST(Text, LinesStayLinesAndHideNothing) {
  EXPECT_EQ(to_printable_lines("one\n\x1b[2Jtwo\r\n\nfour\n"), "one\n\\x1b[2Jtwo\\x0d\n\nfour");
  EXPECT_EQ(to_printable_lines("one\ntwo", 3), "one\n   two");
  EXPECT_EQ(to_printable_lines("", 3), "");
}

TEST(Table, ColumnsLineUpWithAccentsAndWideCharacters) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  Table table({{"name"}, {"n", Alignment::Right}});
  table.add_row({"Zoë", "1"});
  table.add_row({"山田", "10"});
  EXPECT_EQ(table.to_text(2),
            "  name   n\n"
            "  Zoë    1\n"
            "  山田  10\n");
}

TEST(ProgressBar, TheLineTellsTheShareTheCountsAndTheTimeLeft) {
  EXPECT_EQ(ProgressBar::line("photos", 50, 200, std::chrono::seconds(20)),
            "photos [#######.......................]  25%  50/200  1:00 left");
  EXPECT_EQ(ProgressBar::line("photos", 1, 3601, std::chrono::seconds(1)),
            "photos [..............................]   0%  1/3601  1:00:00 left");
  EXPECT_EQ(ProgressBar::line("bytes", 7, 0, {}), "bytes 7");
}

TEST(PhotoList, FoldersGiveTheirImagesByNameAndFilesStayAsTheyAre) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "b" / ".hidden");
  for (const auto* name :
       {"b/2.JPG", "b/1.png", "a.webp", "notes.txt", ".secret.jpg", "b/.hidden/x.jpg"}) {
    std::ofstream(folder.path() / name) << "x";
  }
  const std::vector<std::string> arguments{"no-such.xyz", folder.path().string()};
  const auto photos = list_photos(arguments).value();
  EXPECT_EQ(photos, (std::vector<std::filesystem::path>{"no-such.xyz", folder.path() / "a.webp",
                                                        folder.path() / "b" / "1.png",
                                                        folder.path() / "b" / "2.JPG"}));
}

TEST(PhotoList, AFolderWithoutPhotosIsAMistake) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> arguments{folder.path().string()};
  EXPECT_EQ(list_photos(arguments).error().reason, "folder_without_photos");
}

TEST(WebFolder, ThePagesAreFoundBesideTheProgramWhereverItWasBuiltOrInstalled) {
  const test::TemporaryFolder folder;
  const auto built = folder.path() / "build" / "release" / "bin" / "faceforge";
  const auto installed = folder.path() / "usr" / "bin" / "faceforge";
  EXPECT_EQ(find_web_folder(built), "");
  EXPECT_EQ(find_web_folder(installed), "");
  for (const auto* pages : {"web/dist", "usr/share/faceforge/web"}) {
    std::filesystem::create_directories(folder.path() / pages);
    std::ofstream(folder.path() / pages / "index.html") << "<!doctype html>";
  }
  std::filesystem::create_directories(built.parent_path());
  std::filesystem::create_directories(installed.parent_path());
  EXPECT_EQ(find_web_folder(built), folder.path() / "web" / "dist");
  EXPECT_EQ(find_web_folder(installed), folder.path() / "usr" / "share" / "faceforge" / "web");
  setenv("FACEFORGE_WEB", "/my/pages", 1);
  EXPECT_EQ(find_web_folder(built), "/my/pages");
  unsetenv("FACEFORGE_WEB");
}

TEST(DrawingFiles, NoTwoPhotosShareOne) {
  const std::vector<std::filesystem::path> photos{"a/x.jpg", "b/x.jpg", "c/x.2.jpg",
                                                  "d/x.png", "a/x.jpg", "x.3.jpg"};
  const auto files = drawing_files(photos, "drawn");
  EXPECT_EQ(files.at("a/x.jpg"), "drawn/x.faces.jpg");
  EXPECT_EQ(files.at("b/x.jpg"), "drawn/x.2.faces.jpg");
  std::set<std::filesystem::path> different;
  for (const auto& [photo, file] : files) different.insert(file);
  EXPECT_EQ(different.size(), 5);
}

TEST(ListenAddress, AddressesOfBothKindsAreRead) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:8080").value().address, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("127.0.0.1:8080").value().port, 8080);
  EXPECT_EQ(parse_listen_address("[::1]:0").value().address, "::1");
  EXPECT_EQ(parse_listen_address(":80").value().address, "0.0.0.0");
  EXPECT_EQ(browser_address({"0.0.0.0", 80}, "http"), "http://127.0.0.1:80");
  EXPECT_EQ(browser_address({"::", 443}, "https"), "https://[::1]:443");
}

TEST(ListenAddress, AnythingElseIsRefused) {
  for (const auto* text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999",
                           "127.0.0.1:80x", "::1:80", "[]:80", "127.0.0.1:-1"}) {
    EXPECT_EQ(parse_listen_address(text).error().reason, "listen_address") << text;
  }
}

}  // namespace
}  // namespace faceforge::cli
