#include "dataset/split.h"

#include <cmath>
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.h"
#include "crops/crop_writer.h"
#include "support/test_data.h"

namespace faceforge::dataset {
namespace {

class SplitTest : public testing::Test {
 protected:
  void add(const std::string& path) {
    std::filesystem::create_directories((photos_ / path).parent_path());
    std::ofstream(photos_ / path) << "photo";
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path photos_ = folder_.path() / "photos";
  const std::filesystem::path output_ = folder_.path() / "lists";
};

// printf '1:Ada' | sha256sum, and so on: Ada 6fc2.., Bob e72e..; the draw is by the smaller hash.
TEST_F(SplitTest, TheListsNameEveryoneWithEnoughPhotosOnce) {
  for (const char* path : {"Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg", "Bob/2.png", "Cleo/1.jpg",
                           "Cleo/notes.txt", "Cleo/.2.jpg"}) {
    add(path);
  }
  const auto report =
      split_dataset(photos_, {.output = output_, .train_share = 0.5, .seed = 1, .min_photos = 2});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(*read_text_file(output_ / "train_people.txt", 100), "Ada\n");
  EXPECT_EQ(*read_text_file(output_ / "held_out_people.txt", 100), "Bob\n");
  EXPECT_EQ(report->train_photo_count, 2U);
  EXPECT_EQ(report->held_out_photo_count, 2U);
  EXPECT_EQ(report->too_few_count, 1U);
}

TEST_F(SplitTest, AFileOfCropsIsDividedLikeTheFolderItIsMadeOf) {
  const auto file = folder_.path() / "crops.ffd";
  auto writer = crops::CropWriter::create(file, {.width_px = 1, .height_px = 1});
  const std::vector<std::byte> pixel(3);
  for (int i = 0; i < 20; ++i) {
    const std::string name = "person " + std::to_string(i);
    ASSERT_TRUE(writer->add_person(name));
    for (int crop = 0; crop <= i % 3; ++crop) {
      ASSERT_TRUE(writer->add_crop(pixel));
      add(name + "/" + std::to_string(crop) + ".jpg");
    }
  }
  ASSERT_TRUE(writer->finish());
  const SplitOptions options{.output = output_, .min_photos = 2};
  const auto of_folder = split_dataset(photos_, options);
  const auto of_file = split_dataset(file, options);
  ASSERT_TRUE(of_folder && of_file);
  EXPECT_EQ(of_folder->people.train, of_file->people.train);
  EXPECT_EQ(of_folder->people.test, of_file->people.test);
  EXPECT_EQ(of_file->train_photo_count + of_file->held_out_photo_count, 7U * 2 + 6U * 3);
  EXPECT_EQ(of_file->too_few_count, 7U);
}

TEST_F(SplitTest, ANameThatNoListCanHoldIsTold) {
  for (const char* path : {"Ada/1.jpg", "Bob/1.jpg", "two\nlines/1.jpg"}) add(path);
  const auto report = split_dataset(photos_, {.output = output_, .train_share = 0.5});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->skipped.size(), 1U);
  EXPECT_EQ(report->skipped[0].error.reason, "person_name");
}

TEST_F(SplitTest, ADryRunWritesNothing) {
  add("Ada/1.jpg");
  add("Bob/1.jpg");
  EXPECT_TRUE(split_dataset(photos_, {.output = output_, .train_share = 0.5, .dry_run = true}));
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(SplitTest, ASplitThatCannotBeIsRefused) {
  add("Ada/1.jpg");
  const SplitOptions options{.output = output_};
  EXPECT_EQ(split_dataset(photos_, options).error().reason, "too_few_people");
  for (const double share : {0.0, 1.0, -0.1, 1.1, std::nan("")}) {
    const auto refused = split_dataset(photos_, {.output = output_, .train_share = share});
    EXPECT_EQ(refused.error().reason, "train_share_invalid") << share;
  }
  EXPECT_EQ(split_dataset(folder_.path() / "absent", options).error().reason, "file_not_found");
  EXPECT_EQ(split_dataset(photos_ / "Ada/1.jpg", options).error().reason, "not_a_crop_file");
}

}  // namespace
}  // namespace faceforge::dataset
