#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataset/internal/rename_run.h"
#include "support/test_data.h"

namespace faceforge::dataset {

/// What a process that is killed would do: nothing more.
struct Crash {};

/// A disk on which the run ends before a given step, or that only counts.
class CrashingDisk : public FolderChanges {
 public:
  static constexpr size_t kNever = SIZE_MAX;

  explicit CrashingDisk(size_t steps_before_crash = kNever) : left_(steps_before_crash) {}

  [[nodiscard]] size_t step_count() const { return step_count_; }

  Result<void> move(const PhotoFolder& folder, const std::string& from,
                    const std::string& to) override {
    step();
    return FolderChanges::move(folder, from, to);
  }
  Result<void> flush(const PhotoFolder& folder) override {
    step();
    return FolderChanges::flush(folder);
  }
  Result<void> write(const std::filesystem::path& file, std::string_view contents) override {
    if (left_ == 0) {  // what a real crash leaves of a file that is written beside its place
      std::ofstream(file.parent_path() / ".writing-broken") << contents.substr(0, 9);
    }
    step();
    return FolderChanges::write(file, contents);
  }
  Result<void> remove(const std::filesystem::path& file) override {
    step();
    return FolderChanges::remove(file);
  }

 protected:
  virtual void crash() { throw Crash{}; }

 private:
  void step() {
    if (left_ == 0) crash();
    --left_;
    ++step_count_;
  }

  size_t left_;
  size_t step_count_ = 0;
};

/// Path to contents of all that lies below a folder but the journals; `->` and the target for
/// links.
using Tree = std::map<std::string, std::string>;

inline Tree tree_of(const std::filesystem::path& people) {
  Tree tree;
  for (std::filesystem::recursive_directory_iterator it(people), end; it != end; ++it) {
    if (it->path().filename() == ".faceforge-rename") {
      it.disable_recursion_pending();
    } else if (it->is_symlink()) {
      tree[it->path().lexically_relative(people)] = "->" + read_symlink(it->path()).string();
    } else if (it->is_regular_file()) {
      std::ifstream file(it->path());
      tree[it->path().lexically_relative(people)] =
          std::string(std::istreambuf_iterator<char>(file), {});
    }
  }
  return tree;
}

inline std::multiset<std::string> contents_of(const Tree& tree) {
  std::multiset<std::string> contents;
  for (const auto& [path, content] : tree) contents.insert(content);
  return contents;
}

inline void plant(const std::filesystem::path& people, const Tree& tree) {
  for (const auto& [path, content] : tree) {
    create_directories((people / path).parent_path());
    if (content.starts_with("->")) {
      create_symlink(content.substr(2), people / path);
    } else {
      std::ofstream(people / path) << content;
    }
  }
}

/// A few people with a few files each, drawn from all that is awkward: names that are right
/// already, nearly right, equal but for their case, in both forms of Unicode or in none, links,
/// folders that are named like photos, hidden files.
inline Tree random_tree(std::mt19937& random) {
  static const std::vector<std::string> kPeople{"A",          "b b",         "child",
                                                "Zo\xC3\xAB", "Zoe\xCC\x88", "\xFF"};
  Tree tree;
  int serial = 0;
  const auto draw = [&](size_t count) {
    return std::uniform_int_distribution<size_t>(0, count - 1)(random);
  };
  for (size_t person_count = 1 + draw(3); person_count > 0; --person_count) {
    const std::string& person = kPeople[draw(kPeople.size())];
    const std::vector<std::string> names{"image.jpg",
                                         "image2.JPG",
                                         "image10.png",
                                         person + "_1.jpg",
                                         person + "_1.png",
                                         person + "_3.jpg",
                                         person + "_01.jpg",
                                         person + "_2.JPG",
                                         "a_1.jpg",
                                         "A_1.jpg",
                                         "child_1.jpg",
                                         "child_2.gif",
                                         "notes.txt",
                                         ".hidden.jpg",
                                         "Zo\xC3\xAB_1.jpg",
                                         "\xFE.webp",
                                         person + "_4.jpg/deeper.jpg"};
    for (size_t file_count = draw(6); file_count > 0; --file_count) {
      tree[person + "/" + names[draw(names.size())]] = "photo " + std::to_string(++serial);
    }
    if (draw(4) == 0) tree[person + "/" + person + "_2.jpg"] = "->" + names[draw(3)];
    if (draw(8) == 0) tree[person + "/empty.txt"] = "";
  }
  tree["beside.jpg"] = "outside";
  tree["A/kept.txt"] = "so that there is a person";
  return tree;
}

/// One random tree, taken through a crash before every step of a rename and of its undo.
class CrashTrial {
 public:
  explicit CrashTrial(uint32_t seed) : seed_(seed), random_(seed), before_(random_tree(random_)) {
    if (random_() % 2 == 0) options_.prefix = "child";
    plant(people_, before_);
  }

  void run() {
    const size_t rename_steps = rename_unbroken();
    if (rename_steps == 0) return;
    CrashingDisk disk;
    ASSERT_TRUE(undo_renames(people_, {}, disk));
    ASSERT_EQ(tree_of(people_), before_) << "undone, seed " << seed_;
    for (size_t step = 0; step < rename_steps; ++step) crash_while_renaming(step);
    for (size_t step = 0; step < disk.step_count(); ++step) crash_while_undoing(step);
  }

 private:
  /// The number of steps of a run that nothing disturbs.
  size_t rename_unbroken() {
    CrashingDisk disk;
    const auto report = rename_photos(people_, options_, disk);
    EXPECT_TRUE(report && report->skipped.empty()) << "seed " << seed_;
    after_ = tree_of(people_);
    EXPECT_EQ(contents_of(after_), contents_of(before_)) << "seed " << seed_;
    return disk.step_count();
  }

  void crash_while_renaming(size_t step) {
    SCOPED_TRACE("seed " + std::to_string(seed_) + ", crash before step " + std::to_string(step));
    expect_crash([&](FolderChanges& disk) { (void)rename_photos(people_, options_, disk); }, step);
    if ((seed_ + step) % 3 != 0) {  // else it is undone at once
      const auto again = rename_photos(people_, options_);
      ASSERT_TRUE(again && again->skipped.empty());
      ASSERT_EQ(tree_of(people_), after_) << "running again finishes";
      const auto third = rename_photos(people_, options_);
      ASSERT_TRUE(third && third->renamed.empty()) << "nothing is left to do";
      ASSERT_EQ(tree_of(people_), after_);
    }
    undo_all();
  }

  void crash_while_undoing(size_t step) {
    SCOPED_TRACE("seed " + std::to_string(seed_) + ", undo, crash before step " +
                 std::to_string(step));
    ASSERT_TRUE(rename_photos(people_, options_));
    ASSERT_EQ(tree_of(people_), after_);
    expect_crash([&](FolderChanges& disk) { (void)undo_renames(people_, {}, disk); }, step);
    undo_all();
  }

  /// Runs into a crash; whatever it left, every file is there with its contents.
  void expect_crash(const std::function<void(FolderChanges&)>& work, size_t step) {
    CrashingDisk disk(step);
    EXPECT_THROW(work(disk), Crash);
    ASSERT_EQ(contents_of(tree_of(people_)), contents_of(before_)) << "no photo is lost";
  }

  void undo_all() {
    const auto undone = undo_renames(people_, {});
    if (undone) {
      ASSERT_TRUE(undone->skipped.empty());
    } else {
      ASSERT_EQ(undone.error().reason, "nothing_to_undo");
    }
    ASSERT_EQ(tree_of(people_), before_) << "undo restores the names";
  }

  /// Where flushing costs nothing.
  static bool in_memory() {
    std::error_code ignored;
    return std::filesystem::is_directory("/dev/shm", ignored) &&
           ::setenv("TMPDIR", "/dev/shm", 1) == 0;
  }

  const uint32_t seed_;
  std::mt19937 random_;
  const bool in_memory_ = in_memory();
  test::TemporaryFolder folder_;
  const std::filesystem::path people_ = folder_.path() / "people";
  const Tree before_;
  Tree after_;
  RenameOptions options_;
};

/// Runs trials with the seeds `first` to `first + count - 1`, until one fails.
inline void run_crash_trials(uint32_t first, uint32_t count) {
  for (uint32_t seed = first; seed < first + count && !testing::Test::HasFailure(); ++seed) {
    CrashTrial(seed).run();
  }
}

}  // namespace faceforge::dataset
