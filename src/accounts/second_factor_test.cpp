#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <liboath/oath.h>

#include "accounts/accounts_test_fixture.h"

namespace faceforge::accounts {
namespace {

using ::testing::Contains;

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "" : outcome.error().reason;
}

class SecondFactorTest : public AccountsFixture {
 protected:
  /// What an authenticator shows that was given this key.
  std::string code_of(const std::string& base32, int64_t steps_later = 0) {
    char* key = nullptr;
    size_t length = 0;
    EXPECT_EQ(oath_base32_decode(base32.data(), base32.size(), &key, &length), OATH_OK);
    std::string code(7, '\0');
    EXPECT_EQ(oath_totp_generate(key, length, clock_.now_ms() / 1000 + 30 * steps_later, 30, 0, 6,
                                 code.data()),
              OATH_OK);
    std::free(key);
    code.pop_back();
    return code;
  }

  /// Adds a second factor to an account.
  struct Added {
    std::string key;
    std::vector<std::string> recovery_codes;
  };
  Added add_to(const Principal& principal) {
    Added added;
    added.key = accounts_->begin_second_factor(principal, kPassword).value();
    added.recovery_codes =
        accounts_->confirm_second_factor(principal, code_of(added.key), origin_).value();
    return added;
  }
};
TEST_ON_BOTH_DATABASES(SecondFactorTest);

TEST_P(SecondFactorTest, ALogInNeedsACodeOnceOneWasConfirmed) {
  const auto ada = sign_up("ada");
  const auto key = accounts_->begin_second_factor(ada.principal, kPassword).value();
  EXPECT_EQ(log_in_reason("ada", kPassword), "");  // not confirmed: nobody is locked out by it
  ASSERT_TRUE(accounts_->confirm_second_factor(ada.principal, code_of(key), origin_));
  EXPECT_EQ(log_in_reason("ada", kPassword), "second_factor_needed");
  EXPECT_EQ(log_in_reason("ada", kOther), "wrong_credentials");
  clock_.advance(std::chrono::seconds(30));
  EXPECT_EQ(log_in_reason("ada", kPassword, code_of(key)), "");
  EXPECT_EQ(session_reason(ada.session_token), "");
  EXPECT_THAT(actions(ada.principal), Contains("second_factor_on"));
}

TEST_P(SecondFactorTest, ACodeIsTakenOnceAndWithinAStepOfNow) {
  const auto ada = sign_up("ada");
  const auto added = add_to(ada.principal);
  EXPECT_EQ(log_in_reason("ada", kPassword, code_of(added.key)), "second_factor_wrong");
  const std::string next = code_of(added.key, 1);
  EXPECT_EQ(log_in_reason("ada", kPassword, next), "");
  EXPECT_EQ(log_in_reason("ada", kPassword, next), "second_factor_wrong");
  EXPECT_EQ(log_in_reason("ada", kPassword, code_of(added.key, 3)), "second_factor_wrong");
  EXPECT_THAT(actions(ada.principal), Contains("login_failed"));
}

TEST_P(SecondFactorTest, GuessingCodesIsSlowedDown) {
  const auto ada = sign_up("ada");
  add_to(ada.principal);
  std::string reason;
  for (int attempt = 0; attempt < 6; ++attempt) {
    reason = log_in_reason("ada", kPassword, "000000");
    EXPECT_EQ(log_in_reason("ada", kPassword).starts_with("second_factor_needed"), attempt < 4)
        << attempt;
  }
  EXPECT_EQ(reason, "login_throttled");
}

TEST_P(SecondFactorTest, EachRecoveryCodeIsGoodForOneLogIn) {
  const auto ada = sign_up("ada");
  const auto added = add_to(ada.principal);
  ASSERT_EQ(added.recovery_codes.size(), 10U);
  EXPECT_EQ(accounts_->second_factor(ada.principal)->recovery_code_count, 10);
  EXPECT_EQ(log_in_reason("ada", kPassword, added.recovery_codes[3]), "");
  EXPECT_EQ(log_in_reason("ada", kPassword, added.recovery_codes[3]), "second_factor_wrong");
  std::string typed = added.recovery_codes[4];
  std::erase(typed, '-');
  for (char& c : typed) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(log_in_reason("ada", kPassword, " " + typed), "");
  EXPECT_EQ(accounts_->second_factor(ada.principal)->recovery_code_count, 8);
}

TEST_P(SecondFactorTest, ARecoveryCodeOfSomeoneElseIsWorthNothing) {
  const auto ada = sign_up("ada");
  const auto eve = sign_up("eve");
  add_to(ada.principal);
  const auto of_eve = add_to(eve.principal);
  EXPECT_EQ(log_in_reason("ada", kPassword, of_eve.recovery_codes[0]), "second_factor_wrong");
}

TEST_P(SecondFactorTest, WithoutTheRightCodeItIsNotConfirmed) {
  const auto ada = sign_up("ada");
  EXPECT_EQ(reason_of(accounts_->confirm_second_factor(ada.principal, "123456", origin_)),
            "second_factor_not_begun");
  const auto key = accounts_->begin_second_factor(ada.principal, kPassword).value();
  EXPECT_EQ(reason_of(accounts_->confirm_second_factor(ada.principal, code_of(key, 4), origin_)),
            "second_factor_wrong");
  EXPECT_FALSE(accounts_->second_factor(ada.principal)->is_on);
  // Begun again, the first key counts no more.
  const auto second = accounts_->begin_second_factor(ada.principal, kPassword).value();
  EXPECT_EQ(reason_of(accounts_->confirm_second_factor(ada.principal, code_of(key), origin_)),
            "second_factor_wrong");
  EXPECT_EQ(reason_of(accounts_->confirm_second_factor(ada.principal, code_of(second), origin_)),
            "");
  EXPECT_EQ(reason_of(accounts_->begin_second_factor(ada.principal, kPassword)),
            "second_factor_on");
  EXPECT_EQ(reason_of(accounts_->confirm_second_factor(ada.principal, code_of(second), origin_)),
            "second_factor_on");
}

TEST_P(SecondFactorTest, ThePasswordAddsItAndWithACodeTakesItAway) {
  const auto ada = sign_up("ada");
  EXPECT_EQ(reason_of(accounts_->begin_second_factor(ada.principal, kOther)), "wrong_password");
  const auto added = add_to(ada.principal);
  const auto remove = [&](std::string_view password, const std::string& code) {
    return accounts_->remove_second_factor(ada.principal, password, code, origin_);
  };
  EXPECT_EQ(reason_of(remove(kOther, code_of(added.key, 1))), "wrong_password");
  for (const std::string& wrong : {std::string(), std::string("000000"), code_of(added.key)}) {
    const auto refused = remove(kPassword, wrong);
    EXPECT_EQ(reason_of(refused), "second_factor_wrong") << "the last was used already";
    EXPECT_EQ(refused.error().code, ErrorCode::Forbidden) << "the session goes on";
  }
  EXPECT_TRUE(accounts_->second_factor(ada.principal)->is_on);
  ASSERT_TRUE(remove(kPassword, code_of(added.key, 1)));
  EXPECT_EQ(log_in_reason("ada", kPassword), "");
  EXPECT_EQ(accounts_->second_factor(ada.principal)->recovery_code_count, 0);
}

TEST_P(SecondFactorTest, ARecoveryCodeTakesItAwayAndOneThatWasOnlyBegunNeedsNoCode) {
  const auto ada = sign_up("ada");
  ASSERT_TRUE(accounts_->begin_second_factor(ada.principal, kPassword));
  ASSERT_TRUE(accounts_->remove_second_factor(ada.principal, kPassword, "", origin_));
  const auto added = add_to(ada.principal);
  ASSERT_TRUE(
      accounts_->remove_second_factor(ada.principal, kPassword, added.recovery_codes[0], origin_));
  EXPECT_FALSE(accounts_->second_factor(ada.principal)->is_on);
}

TEST_P(SecondFactorTest, WhoIsLoggedInGuessesNoCodesThoughThePasswordIsRight) {
  const auto ada = sign_up("ada");
  const auto added = add_to(ada.principal);
  std::string reason;
  for (int attempt = 0; attempt < 6; ++attempt) {
    reason =
        reason_of(accounts_->remove_second_factor(ada.principal, kPassword, "000000", origin_));
  }
  EXPECT_EQ(reason, "login_throttled");
  EXPECT_EQ(reason_of(accounts_->renew_recovery_codes(ada.principal, kPassword,
                                                      added.recovery_codes[0], origin_)),
            "login_throttled");
  EXPECT_EQ(reason_of(accounts_->change_password(ada.principal, kPassword, kOther, origin_,
                                                 added.recovery_codes[0])),
            "login_throttled");
  EXPECT_EQ(reason_of(accounts_->delete_account(ada.principal, kPassword, added.recovery_codes[0])),
            "login_throttled");
}

TEST_P(SecondFactorTest, ChangingThePasswordAndDeletingTheAccountNeedACodeToo) {
  const auto ada = sign_up("ada");
  const auto added = add_to(ada.principal);
  using Code = std::optional<std::string_view>;
  const auto change = [&](Code code) {
    return accounts_->change_password(ada.principal, kPassword, kOther, origin_, code);
  };
  const auto remove = [&](Code code) {
    return accounts_->delete_account(ada.principal, kOther, code);
  };
  const auto refused = change(std::nullopt);
  EXPECT_EQ(reason_of(refused), "second_factor_needed");
  EXPECT_EQ(refused.error().code, ErrorCode::Forbidden) << "the session goes on";
  EXPECT_EQ(reason_of(change("000000")), "second_factor_wrong");
  EXPECT_EQ(log_in_reason("ada", kPassword, added.recovery_codes[0]), "") << "nothing has changed";
  ASSERT_TRUE(change(added.recovery_codes[1]));
  EXPECT_EQ(reason_of(remove(std::nullopt)), "second_factor_needed");
  EXPECT_EQ(reason_of(remove(added.recovery_codes[1])), "second_factor_wrong") << "it was used";
  EXPECT_TRUE(remove(code_of(added.key, 1)));
}

TEST_P(SecondFactorTest, ACodeThatCameWithAWrongPasswordIsStillGood) {
  const auto ada = sign_up("ada");
  const auto added = add_to(ada.principal);
  const std::string& code = added.recovery_codes[0];
  EXPECT_EQ(reason_of(accounts_->delete_account(ada.principal, kOther, code)), "wrong_password");
  EXPECT_EQ(
      reason_of(accounts_->change_password(ada.principal, kPassword, "12345678", origin_, code)),
      "password_common");
  EXPECT_TRUE(accounts_->change_password(ada.principal, kPassword, kOther, origin_, code));
}

TEST_P(SecondFactorTest, NewRecoveryCodesTakeThePlaceOfTheOldOnes) {
  const auto ada = sign_up("ada");
  const auto renew = [&](std::string_view password, const std::string& code) {
    return accounts_->renew_recovery_codes(ada.principal, password, code, origin_);
  };
  EXPECT_EQ(reason_of(renew(kPassword, "000000")), "second_factor_off");
  const auto added = add_to(ada.principal);
  EXPECT_EQ(reason_of(renew(kOther, added.recovery_codes[0])), "wrong_password");
  EXPECT_EQ(reason_of(renew(kPassword, "000000")), "second_factor_wrong");
  EXPECT_EQ(log_in_reason("ada", kPassword, added.recovery_codes[1]), "");
  const auto renewed = renew(kPassword, added.recovery_codes[0]);
  ASSERT_TRUE(renewed);
  ASSERT_EQ(renewed->size(), 10U);
  EXPECT_EQ(accounts_->second_factor(ada.principal)->recovery_code_count, 10);
  EXPECT_EQ(log_in_reason("ada", kPassword, added.recovery_codes[2]), "second_factor_wrong");
  EXPECT_EQ(log_in_reason("ada", kPassword, renewed->front()), "");
  EXPECT_THAT(actions(ada.principal), Contains("recovery_codes_renewed"));
  ASSERT_TRUE(renew(kPassword, code_of(added.key, 1))) << "the authenticator's code does too";
}

TEST_P(SecondFactorTest, AnApiKeyCannotTouchIt) {
  const auto ada = sign_up("ada");
  const auto key = accounts_->create_api_key(ada.principal, "k",
                                             *Scopes::parse("read,recognize,manage"), origin_);
  const auto program = accounts_->authenticate_api_key(key->key).value();
  EXPECT_EQ(reason_of(accounts_->begin_second_factor(program, kPassword)), "scope_missing");
  EXPECT_EQ(reason_of(accounts_->confirm_second_factor(program, "123456", origin_)),
            "scope_missing");
  EXPECT_EQ(reason_of(accounts_->remove_second_factor(program, kPassword, "123456", origin_)),
            "scope_missing");
  EXPECT_EQ(reason_of(accounts_->renew_recovery_codes(program, kPassword, "123456", origin_)),
            "scope_missing");
}

TEST_P(SecondFactorTest, TheOperatorsNewPasswordTakesItAway) {
  const auto ada = sign_up("ada");
  add_to(ada.principal);
  ASSERT_TRUE(accounts_->reset_password("ada", kOther));
  EXPECT_EQ(log_in_reason("ada", kOther), "");
}

TEST_P(SecondFactorTest, WithAnotherTokenKeyItIsDamagedAndNobodyGetsInWithoutIt) {
  const auto ada = sign_up("ada");
  add_to(ada.principal);
  Accounts other(shared_database(), clock_, crypto::Secret::random(32), cheap_options());
  EXPECT_EQ(reason_of(other.log_in("ada", kPassword, origin_)), "second_factor_damaged");
}

TEST_P(SecondFactorTest, OneThatWasNeverConfirmedLocksNobodyOutThoughItCannotBeRead) {
  const auto ada = sign_up("ada");
  ASSERT_TRUE(accounts_->begin_second_factor(ada.principal, kPassword));
  Accounts other(shared_database(), clock_, crypto::Secret::random(32), cheap_options());
  EXPECT_EQ(reason_of(other.log_in("ada", kPassword, origin_)), "");
}

TEST_P(SecondFactorTest, NeitherKeyNorRecoveryCodesCanBeReadFromTheDatabase) {
  const auto ada = sign_up("ada");
  const auto added = add_to(ada.principal);
  const auto rows = database().read([&](store::Transaction& transaction) {
    return transaction.query("select code_hash from recovery_codes");
  });
  for (const store::Row row : *rows) {
    EXPECT_EQ(row.text(0).size(), 64U);
    for (const auto& code : added.recovery_codes) EXPECT_NE(row.text(0), code);
  }
  const auto keys = database().read([&](store::Transaction& transaction) {
    return transaction.query("select sealed_key from second_factors");
  });
  EXPECT_EQ((*keys)[0].blob(0).size(), 20U + 40U);  // 20 bytes, a nonce and a tag
}

}  // namespace
}  // namespace faceforge::accounts
