#include "image/file_ending.h"

#include <gtest/gtest.h>

namespace faceforge::image {
namespace {

TEST(FileEnding, EveryKindOfPhotoThatIsReadIsKnownByItsEndingInEitherCase) {
  for (const char* file : {"a.jpg", "a.JPG", "a.jpeg", "a.Png", "a.webp", "a.gif", "a.tif",
                           "a.TIFF", "a.heic", "a.heif", "a.avif", "b/c.d/a.x.jpg"}) {
    EXPECT_TRUE(has_photo_ending(file)) << file;
  }
}

TEST(FileEnding, OtherFilesAndHiddenOnesThatAreOnlyAnEndingAreNoPhotos) {
  for (const char* file :
       {"a", "jpg", ".jpg", "a.jpg.txt", "a.jpg/", "a.jpg ", "a.svg", "a.", ""}) {
    EXPECT_FALSE(has_photo_ending(file)) << file;
  }
}

TEST(FileEnding, ItsLettersBecomeLowerCaseAndAllElseStays) {
  EXPECT_EQ(lower_case_ending("ADA.B.JpEG"), ".jpeg");
  EXPECT_EQ(lower_case_ending("ada.J\xC3\x9CG"), ".j\xC3\x9Cg");  // only ASCII: endings are ASCII
  EXPECT_EQ(lower_case_ending("ADA"), "");
}

}  // namespace
}  // namespace faceforge::image
