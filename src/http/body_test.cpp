#include "http/body.h"

#include <gtest/gtest.h>

#include "support/test_data.h"

namespace faceforge::http {
namespace {

std::vector<std::byte> pattern(size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 % 251);
  return bytes;
}

class BodyWriterTest : public testing::Test {
 protected:
  faceforge::test::TemporaryFolder folder_;
  std::shared_ptr<Shares> spool_ =
      std::make_shared<Shares>(Shares::Limits{.all = size_t{5} << 20, .each = size_t{4} << 20});
};

TEST_F(BodyWriterTest, HandsOverWhatCameInPiecesSmallOrLarge) {
  for (const size_t size : {size_t{0}, size_t{10}, BodyWriter::kInMemory_bytes,
                            BodyWriter::kInMemory_bytes + 1, size_t{3'000'000}}) {
    const auto sent = pattern(size);
    BodyWriter writer(folder_.path(), spool_, "ada");
    for (size_t begin = 0; begin < size; begin += 65'536) {
      const auto piece = std::span(sent).subspan(begin, std::min<size_t>(65'536, size - begin));
      ASSERT_TRUE(writer.append(piece));
    }
    const auto body = writer.finish();
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_TRUE(std::ranges::equal(body->bytes(), sent)) << size;
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  }
}

TEST_F(BodyWriterTest, GivesTheDiskBackWithTheBodyOrWithoutOne) {
  {
    BodyWriter writer(folder_.path(), spool_, "ada");
    ASSERT_TRUE(writer.append(pattern(2'000'000)));
    EXPECT_EQ(spool_->taken(), 2'000'000U);
    const auto body = writer.finish();
    ASSERT_TRUE(body);
    EXPECT_EQ(spool_->taken(), 2'000'000U);
  }
  EXPECT_EQ(spool_->taken(), 0U);
  {
    BodyWriter broken_off(folder_.path(), spool_, "ada");
    ASSERT_TRUE(broken_off.append(pattern(2'000'000)));
  }
  EXPECT_EQ(spool_->taken(), 0U);
}

TEST_F(BodyWriterTest, RefusesWhatTheDiskMayNotHold) {
  BodyWriter first(folder_.path(), spool_, "ada");
  ASSERT_TRUE(first.append(pattern(4'000'000)));
  BodyWriter second(folder_.path(), spool_, "bob");
  const auto refused = second.append(pattern(2'000'000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  EXPECT_EQ(refused.error().reason, "upload_space_taken");
}

TEST_F(BodyWriterTest, LeavesRoomForOthersWhateverOneClientSends) {
  BodyWriter first(folder_.path(), spool_, "ada");
  ASSERT_TRUE(first.append(pattern(3'000'000)));
  BodyWriter second(folder_.path(), spool_, "ada");
  const auto refused = second.append(pattern(1'500'000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  EXPECT_EQ(refused.error().reason, "upload_share_taken");
  BodyWriter third(folder_.path(), spool_, "bob");
  EXPECT_TRUE(third.append(pattern(1'500'000)));
}

TEST_F(BodyWriterTest, SaysThatItsFolderIsGone) {
  BodyWriter writer(folder_.path() / "gone", spool_, "ada");
  const auto failed = writer.append(pattern(2'000'000));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "folder_not_found");
}

TEST(Body, MovesWithoutLosingItsBytes) {
  Body body(pattern(100));
  Body other = std::move(body);
  EXPECT_EQ(other.bytes().size(), 100U);
  body = std::move(other);
  EXPECT_EQ(body.bytes().size(), 100U);
}

}  // namespace
}  // namespace faceforge::http
