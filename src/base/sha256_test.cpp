#include "base/sha256.h"

#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge {
namespace {

// FIPS 180-4 examples, as published by NIST.
constexpr auto kOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr auto kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, ThePublishedExamplesComeOut) {
  EXPECT_EQ(to_hex(sha256("")), kOfNothing);
  EXPECT_EQ(to_hex(sha256("abc")), kOfAbc);
}

TEST(Sha256, PiecesAndFilesHashAsTheWhole) {
  const std::string text(1'000'000, 'a');
  const auto expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
  Sha256Stream stream;
  for (size_t at = 0; at < text.size(); at += 1000) {
    stream.add(std::as_bytes(std::span(text)).subspan(at, 1000));
  }
  EXPECT_EQ(to_hex(stream.finish()), expected);
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.path() / "file", text));
  EXPECT_EQ(to_hex(sha256_file(folder.path() / "file").value()), expected);
}

TEST(Sha256, WhatIsNoFileIsAnError) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(sha256_file(folder.path() / "nothing").error().reason, "file_not_found");
  EXPECT_EQ(sha256_file(folder.path()).error().reason, "not_a_file");
}

TEST(Sha256, HexadecimalIsReadBackAndAnythingElseRefused) {
  EXPECT_EQ(to_hex(sha256_from_hex(kOfAbc).value()), kOfAbc);
  std::string upper(kOfAbc);
  upper[0] = 'B';
  EXPECT_EQ(sha256_from_hex(upper), sha256("abc"));
  EXPECT_FALSE(sha256_from_hex("ba78").has_value());
  EXPECT_FALSE(sha256_from_hex(std::string(64, 'g')).has_value());
}

}  // namespace
}  // namespace faceforge
