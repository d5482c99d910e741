#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/password.h"
#include "crypto/sealed_box.h"
#include "crypto/secret.h"
#include "crypto/token.h"

namespace faceforge::crypto {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// ---- secrets and comparison

TEST(Secret, HoldsItsBytesAndGivesThemAwayByMove) {
  Secret secret = Secret::copy_of("open sesame");
  EXPECT_EQ(secret.text(), "open sesame");
  Secret moved = std::move(secret);
  EXPECT_EQ(moved.text(), "open sesame");
  EXPECT_EQ(secret.size(), 0u);  // NOLINT(bugprone-use-after-move): that is what is tested
  secret = std::move(moved);
  EXPECT_EQ(secret.size(), 11u);
  EXPECT_EQ(Secret().size(), 0u);
  EXPECT_TRUE(Secret::copy_of("").text().empty());
}

TEST(Secret, ZerosAreZeroAndRandomOnesDiffer) {
  EXPECT_TRUE(std::ranges::all_of(Secret::zeros(100).bytes(),
                                  [](std::byte byte) { return byte == std::byte{0}; }));
  EXPECT_FALSE(equal_in_constant_time(Secret::random(32).bytes(), Secret::random(32).bytes()));
}

#if !defined(__SANITIZE_ADDRESS__)  // the sanitizer reports the trap in its own way
TEST(Secret, MemoryBehindItsEndCannotBeRead) {
  // libsodium places an inaccessible page right behind.
  EXPECT_DEATH(
      {
        const Secret secret = Secret::random(64);
        const volatile std::byte* behind = secret.bytes().data() + 64;
        (void)*behind;
      },
      "");
}
#endif

TEST(ConstantTime, OnlyEqualTextsAreEqual) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("token", "token"));
  EXPECT_FALSE(equal_in_constant_time("token", "tokem"));
  EXPECT_FALSE(equal_in_constant_time("token", "toke"));
  EXPECT_FALSE(equal_in_constant_time("", "t"));
}

// ---- passwords

const PasswordCost kCheap = PasswordCost::for_tests();

TEST(Password, TheRightOneIsRightAndEveryOtherIsWrong) {
  const auto hash = hash_password("correct horse", kCheap).value();
  EXPECT_EQ(verify_password("correct horse", hash, kCheap), PasswordVerdict::Right);
  for (const std::string_view other : {"correct hors", "correct horse ", "Correct horse", ""}) {
    EXPECT_EQ(verify_password(other, hash, kCheap), PasswordVerdict::Wrong) << other;
  }
}

TEST(Password, TheHashIsArgon2idWithItsCostAndAFreshSalt) {
  const auto hash = hash_password("secret", {.passes = 2, .memory_bytes = 1 << 20}).value();
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=1024,t=2,p=1$")) << hash;
  EXPECT_LE(hash.size(), 127u);
  EXPECT_NE(hash_password("secret", kCheap).value(), hash_password("secret", kCheap).value());
  EXPECT_EQ(hash.find("secret"), std::string::npos);
}

TEST(Password, AHashOfTheArgon2ReferenceToolIsUnderstood) {
  // From the test vectors of the reference implementation (argon2 20190702, test.c), password
  // "password", salt "somesalt", 2 passes, 64 MiB.
  const std::string hash =
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  EXPECT_EQ(verify_password("password", hash, {.passes = 2, .memory_bytes = 64 << 20}),
            PasswordVerdict::Right);
  EXPECT_EQ(verify_password("Password", hash), PasswordVerdict::Wrong);
}

TEST(Password, AHashOfAnotherCostIsRightButOutdated) {
  const auto hash = hash_password("secret", kCheap).value();
  EXPECT_EQ(verify_password("secret", hash, {.passes = 2, .memory_bytes = 8192}),
            PasswordVerdict::RightButHashIsOutdated);
  EXPECT_EQ(verify_password("wrong", hash, {.passes = 2, .memory_bytes = 8192}),
            PasswordVerdict::Wrong);
}

TEST(Password, ADamagedHashIsWrongForEveryPassword) {
  const auto hash = hash_password("secret", kCheap).value();
  for (const std::string& damaged :
       {std::string(), std::string("secret"), hash.substr(0, hash.size() - 3), "x" + hash,
        std::string(200, '$'), std::string("$argon2id$v=19$m=99999999999,t=1,p=1$c29tZQ$c29tZQ")}) {
    EXPECT_EQ(verify_password("secret", damaged, kCheap), PasswordVerdict::Wrong) << damaged;
  }
}

TEST(Password, AnyBytesArePasswordsTheNulAmongThem) {
  const std::string_view password("a\0b\xff", 4);
  const auto hash = hash_password(password, kCheap).value();
  EXPECT_EQ(verify_password(password, hash, kCheap), PasswordVerdict::Right);
  EXPECT_EQ(verify_password("a", hash, kCheap), PasswordVerdict::Wrong);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end on such a request
TEST(Password, ACostThatNoMachineHasTheMemoryForIsExhausted) {
  const auto hash = hash_password("secret", {.passes = 1, .memory_bytes = size_t{1} << 41});
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().code, ErrorCode::Exhausted);
  EXPECT_EQ(hash.error().reason, "out_of_memory");
}
#endif

// ---- tokens

TEST(Token, EachIsFortyThreeUrlSafeCharactersAndNew) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string token = random_token();
    EXPECT_EQ(token.size(), 43u);
    EXPECT_EQ(
        token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        std::string::npos)
        << token;
    seen.insert(token);
  }
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_NE(random_bytes(16), random_bytes(16));
  EXPECT_EQ(random_bytes(5).size(), 5u);
}

TEST(Token, TheHashIsKeyedBlake2b) {
  // Made with Python: hashlib.blake2b(b"token", digest_size=32, key=bytes(range(32))).hexdigest()
  Secret key = Secret::zeros(kTokenKey_bytes);
  for (size_t i = 0; i < key.size(); ++i) key.bytes()[i] = static_cast<std::byte>(i);
  EXPECT_EQ(token_hash("token", key),
            "54692e79bd2672cbe87fed392465fd452368d27be0ab63f2898b57f67582c2a1");
  EXPECT_NE(token_hash("token", Secret::random(kTokenKey_bytes)), token_hash("token", key));
  EXPECT_NE(token_hash("tokem", key), token_hash("token", key));
  EXPECT_DEATH((void)token_hash("token", Secret::zeros(5)), "kTokenKey_bytes");
}

// ---- sealed boxes

TEST(SealedBox, WhatWasSealedOpensWithItsKeyAndContextOnly) {
  const Secret key = random_box_key();
  const std::string contents = "the face of somebody";
  const auto box = seal(bytes_of(contents), "photo:17", key);
  EXPECT_EQ(box.size(), contents.size() + kBoxOverhead_bytes);
  EXPECT_TRUE(std::ranges::equal(unseal(box, "photo:17", key).value(), bytes_of(contents)));
  EXPECT_EQ(unseal(box, "photo:18", key).error().reason, "sealed_box_damaged");
  EXPECT_EQ(unseal(box, "photo:17", random_box_key()).error().code, ErrorCode::Corrupt);
}

TEST(SealedBox, OneChangedBitOrACutIsNoticedWhereverItIs) {
  const Secret key = random_box_key();
  const auto box = seal(bytes_of("contents"), "", key);
  for (size_t i = 0; i < box.size(); ++i) {
    auto changed = box;
    changed[i] ^= std::byte{1};
    EXPECT_EQ(unseal(changed, "", key).error().reason, "sealed_box_damaged") << i;
    EXPECT_FALSE(unseal(std::span(box).first(i), "", key)) << i;
  }
}

TEST(SealedBox, TheSameContentsNeverGiveTheSameBoxAndNothingCanBeSealed) {
  const Secret key = random_box_key();
  EXPECT_NE(seal(bytes_of("x"), "", key), seal(bytes_of("x"), "", key));
  EXPECT_TRUE(unseal(seal({}, "empty", key), "empty", key).value().empty());
}

}  // namespace
}  // namespace faceforge::crypto
