#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "accounts/accounts_test_fixture.h"
#include "base/file.h"
#include "support/cpu_time.h"
#include "support/test_data.h"

namespace faceforge::accounts {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class AccountsTest : public AccountsFixture {};

TEST_P(AccountsTest, TheFirstToSignUpIsTheAdministratorAndTheOthersAreNot) {
  const auto ada = sign_up("ada");
  EXPECT_EQ(ada.principal.user.role, Role::Administrator);
  EXPECT_TRUE(ada.principal.require_administrator().has_value());
  const auto bob = sign_up("bob");
  EXPECT_EQ(bob.principal.user.role, Role::User);
  EXPECT_EQ(bob.principal.require_administrator().error().reason, "administrator_required");
}

TEST_P(AccountsTest, OfManyWhoSignUpAtOnceExactlyOneIsTheAdministrator) {
  {
    std::vector<std::jthread> people;
    for (int person = 0; person < 8; ++person) {
      people.emplace_back([this, person] { sign_up("person" + std::to_string(person)); });
    }
  }
  int administrators = 0;
  const auto users = accounts_->users().value();
  for (const auto& user : users) {
    administrators += user.role == Role::Administrator ? 1 : 0;
  }
  EXPECT_EQ(users.size(), 8U);
  EXPECT_EQ(administrators, 1);
}

TEST_P(AccountsTest, ANameIsTakenInEverySpellingOfIt) {
  sign_up("José");
  for (const auto* name : {"José", "JOSÉ", "jose\u0301"}) {
    const auto again = accounts_->sign_up(name, kPassword, origin_);
    ASSERT_FALSE(again.has_value()) << name;
    EXPECT_EQ(again.error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(again.error().reason, "user_name_taken");
  }
  EXPECT_EQ(accounts_->users()->size(), 1U);
  EXPECT_EQ(log_in_reason("JOSE\u0301", kPassword), "");
}

TEST_P(AccountsTest, BadNamesAndPasswordsAreRefusedAndNothingIsKept) {
  EXPECT_EQ(accounts_->sign_up("a b", kPassword, origin_).error().reason, "user_name_characters");
  EXPECT_EQ(accounts_->sign_up("ada", "password", origin_).error().reason, "password_common");
  EXPECT_TRUE(accounts_->users()->empty());
}

TEST_P(AccountsTest, OnlyTheRightPasswordLogsIn) {
  sign_up("ada");
  EXPECT_EQ(log_in_reason("ada", kPassword), "");
  EXPECT_EQ(log_in_reason("ada", kOther), "wrong_credentials");
  EXPECT_EQ(log_in_reason("nobody", kPassword), "wrong_credentials");
  EXPECT_EQ(log_in_reason("no body", kPassword), "wrong_credentials");
  for (const auto* name : {"ada", "nobody"}) {
    EXPECT_EQ(log_in_reason(name, "\xff"), "password_not_utf8");
    EXPECT_EQ(log_in_reason(name, std::string(256, 'x')), "wrong_credentials");
    EXPECT_EQ(log_in_reason(name, std::string(257, 'x')), "password_too_long");
  }
  EXPECT_EQ(accounts_->log_in("ada", kOther, origin_).error().message,
            accounts_->log_in("nobody", kOther, origin_).error().message);
}

TEST_P(AccountsTest, AnUnknownNameCostsAsMuchTimeAsAWrongPassword) {
  Options options = cheap_options();
  options.password_cost = {.passes = 1, .memory_bytes = size_t{32} << 20};
  options.failures_free_per_account = 100;
  options.failures_free_per_address = 100;
  Accounts slow(shared_database(), clock_, crypto::Secret::zeros(32), options);
  ASSERT_TRUE(slow.sign_up("ada", kPassword, origin_).has_value());
  const auto cost_of = [&](const char* name) {
    const auto start = test::thread_cpu_time();
    EXPECT_FALSE(slow.log_in(name, kOther, origin_).has_value());
    return test::thread_cpu_time() - start;
  };
  // In turns and by processor time, so that other work on the machine slows both or neither.
  auto unknown = std::chrono::nanoseconds::max();
  auto known = std::chrono::nanoseconds::max();
  for (int round = 0; round < 8; ++round) {
    unknown = std::min(unknown, cost_of("nobody"));
    known = std::min(known, cost_of("ada"));
  }
  // Without the work for unknown names the ratio is below 0.2; the rest is the machine's noise.
  const double ratio = static_cast<double>(unknown.count()) / static_cast<double>(known.count());
  EXPECT_GT(ratio, 0.5);
  EXPECT_LT(ratio, 2.0);
}

TEST_P(AccountsTest, FiveFailuresSlowANameDownEvenWithTheRightPassword) {
  sign_up("ada");
  for (int failure = 0; failure < 5; ++failure) {
    EXPECT_EQ(log_in_reason("Ada", kOther), "wrong_credentials");
  }
  const auto refused = accounts_->log_in("ada", kPassword, origin_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  EXPECT_EQ(refused.error().reason, "login_throttled");
  EXPECT_NE(refused.error().message.find("1 s"), std::string::npos);
  clock_.advance(seconds(1));
  EXPECT_EQ(log_in_reason("ada", kPassword), "");
  EXPECT_EQ(log_in_reason("ada", kPassword), "");
}

TEST_P(AccountsTest, AnUnknownNameIsSlowedDownJustTheSame) {
  for (int failure = 0; failure < 5; ++failure) {
    EXPECT_EQ(log_in_reason("nobody", kOther), "wrong_credentials");
  }
  EXPECT_EQ(log_in_reason("nobody", kOther), "login_throttled");
}

TEST_P(AccountsTest, AnAddressThatTriesManyNamesIsSlowedDownAlsoWhenItHasAnAccount) {
  sign_up("mallory");
  for (int name = 0; name < 20; ++name) {
    EXPECT_EQ(log_in_reason("name" + std::to_string(name), kOther), "wrong_credentials");
    if (name < 19) {
      EXPECT_EQ(log_in_reason("mallory", kPassword), "");
    }
  }
  EXPECT_EQ(log_in_reason("one.more", kOther), "login_throttled");
  EXPECT_EQ(log_in_reason("mallory", kPassword), "login_throttled");
  origin_.address = "203.0.113.8";
  EXPECT_EQ(log_in_reason("mallory", kPassword), "");
}

TEST_P(AccountsTest, SigningUpAgainAndAgainIsSlowedDown) {
  for (int person = 0; person < 20; ++person) sign_up("person" + std::to_string(person));
  EXPECT_EQ(accounts_->sign_up("another", kPassword, origin_).error().reason, "sign_up_throttled");
  origin_.address = "2001:db8::1";
  EXPECT_TRUE(accounts_->sign_up("another", kPassword, origin_).has_value());
}

TEST_P(AccountsTest, ASessionIsKnownByItsTokenAlsoAfterARestart) {
  const auto ada = sign_up("ada");
  reopen_accounts();
  const auto authenticated = accounts_->authenticate_session(ada.session_token);
  ASSERT_TRUE(authenticated.has_value());
  EXPECT_EQ(authenticated->principal.user.name, "ada");
  EXPECT_EQ(authenticated->principal.user.id, ada.principal.user.id);
  EXPECT_EQ(authenticated->principal.session, ada.principal.session);
  EXPECT_EQ(authenticated->csrf_token, ada.csrf_token);
  for (const auto& token : {std::string(), ada.session_token + "x", ada.csrf_token,
                            std::string(10'000, 'x'), std::string("\0", 1)}) {
    EXPECT_EQ(session_reason(token), "session_unknown");
  }
}

TEST_P(AccountsTest, NeitherTokensNorKeysNorPasswordsAreInTheDatabase) {
  const auto ada = sign_up("ada");
  const auto key =
      accounts_->create_api_key(ada.principal, "camera", {Scope::Read}, origin_).value();
  EXPECT_FALSE(database_contains(ada.session_token));
  EXPECT_FALSE(database_contains(key.key));
  EXPECT_FALSE(database_contains(kPassword));
}

TEST_P(AccountsTest, ASessionThatIsIdleForSevenDaysExpires) {
  const auto ada = sign_up("ada");
  clock_.advance(days(7) - milliseconds(1));
  EXPECT_EQ(session_reason(ada.session_token), "") << "and this visit prolongs it";
  clock_.advance(days(7) - milliseconds(1));
  EXPECT_EQ(session_reason(ada.session_token), "");
  clock_.advance(days(7));
  EXPECT_EQ(session_reason(ada.session_token), "session_expired");
  EXPECT_EQ(session_reason(ada.session_token), "session_unknown") << "it is gone then";
}

TEST_P(AccountsTest, ASessionInUseExpiresAfterThirtyDays) {
  const auto ada = sign_up("ada");
  for (int day = 0; day < 29; ++day) {
    clock_.advance(days(1));
    EXPECT_EQ(session_reason(ada.session_token), "") << day;
  }
  clock_.advance(days(1));
  EXPECT_EQ(session_reason(ada.session_token), "session_expired");
}

TEST_P(AccountsTest, LoggingOutEndsThatSessionOnly) {
  const auto first = sign_up("ada");
  const auto second = accounts_->log_in("ada", kPassword, origin_).value();
  ASSERT_TRUE(accounts_->log_out(first.principal, origin_).has_value());
  EXPECT_TRUE(accounts_->log_out(first.principal, origin_).has_value());
  EXPECT_EQ(session_reason(first.session_token), "session_unknown");
  EXPECT_EQ(session_reason(second.session_token), "");
}

TEST_P(AccountsTest, SessionsAreListedAndTheOneIdleForLongestMakesRoom) {
  std::vector<LoggedIn> begun{sign_up("ada")};
  for (int more = 0; more < 3; ++more) {
    clock_.advance(seconds(1));
    begun.push_back(accounts_->log_in("ada", kPassword, origin_).value());
  }
  EXPECT_EQ(session_reason(begun[0].session_token), "session_unknown");
  const auto sessions = accounts_->sessions(begun[3].principal).value();
  ASSERT_EQ(sessions.size(), 3U);
  EXPECT_EQ(sessions[0].id, begun[3].principal.session);
  EXPECT_EQ(sessions[0].address, "203.0.113.7");
  EXPECT_EQ(sessions[0].user_agent, "test");
}

TEST_P(AccountsTest, ASessionOfSomeoneElseIsNotFound) {
  const auto ada = sign_up("ada");
  const auto bob = sign_up("bob");
  const auto ended = accounts_->end_session(bob.principal, *ada.principal.session, origin_);
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, ErrorCode::NotFound);
  EXPECT_EQ(ended.error().reason, "session_not_found");
  EXPECT_EQ(session_reason(ada.session_token), "");
  EXPECT_TRUE(accounts_->end_session(ada.principal, *ada.principal.session, origin_).has_value());
  EXPECT_EQ(session_reason(ada.session_token), "session_unknown");
}

TEST_P(AccountsTest, TheCsrfTokenIsBoundToItsSession) {
  const auto first = sign_up("ada");
  const auto second = accounts_->log_in("ada", kPassword, origin_).value();
  EXPECT_TRUE(accounts_->check_csrf(first.session_token, first.csrf_token).has_value());
  for (const auto& token : {second.csrf_token, std::string(), first.session_token}) {
    const auto checked = accounts_->check_csrf(first.session_token, token);
    ASSERT_FALSE(checked.has_value());
    EXPECT_EQ(checked.error().code, ErrorCode::Forbidden);
    EXPECT_EQ(checked.error().reason, "csrf_token_wrong");
  }
}

TEST_P(AccountsTest, ChangingThePasswordEndsEveryOtherSession) {
  const auto first = sign_up("ada");
  const auto second = accounts_->log_in("ada", kPassword, origin_).value();
  const auto key =
      accounts_->create_api_key(first.principal, "camera", {Scope::Read}, origin_).value();
  ASSERT_TRUE(accounts_->change_password(first.principal, kPassword, kOther, origin_).has_value());
  EXPECT_EQ(session_reason(first.session_token), "");
  EXPECT_EQ(session_reason(second.session_token), "session_unknown");
  EXPECT_EQ(log_in_reason("ada", kPassword), "wrong_credentials");
  EXPECT_EQ(log_in_reason("ada", kOther), "");
  EXPECT_TRUE(accounts_->authenticate_api_key(key.key).has_value());
}

TEST_P(AccountsTest, ChangingThePasswordNeedsTheCurrentOneAndAGoodNewOne) {
  const auto ada = sign_up("ada");
  const auto change = [&](const char* current, const char* replacement) {
    const auto changed = accounts_->change_password(ada.principal, current, replacement, origin_);
    return changed ? "" : changed.error().reason;
  };
  EXPECT_EQ(change(kOther, kOther), "wrong_password");
  EXPECT_EQ(change(kPassword, "12345678"), "password_common");
  for (int failure = 0; failure < 4; ++failure) EXPECT_EQ(change(kOther, kOther), "wrong_password");
  EXPECT_EQ(change(kPassword, kOther), "login_throttled");
}

TEST_P(AccountsTest, OfSeveralChangesOfOnePasswordAtOnceOneIsMade) {
  const auto ada = sign_up("ada");
  std::atomic<int> made = 0;
  {
    std::vector<std::jthread> threads;
    for (int number = 0; number < 4; ++number) {
      threads.emplace_back([&, number] {
        const std::string replacement = fmt::format("the long password number {}", number);
        const auto changed =
            accounts_->change_password(ada.principal, kPassword, replacement, origin_);
        if (changed) {
          ++made;
        } else {
          EXPECT_EQ(changed.error().reason, "wrong_password");
        }
      });
    }
  }
  EXPECT_EQ(made, 1) << "the others confirmed a password that was no longer stored";
}

TEST_P(AccountsTest, WhoFailsToLogInUnderANameDoesNotKeepItsOwnerFromConfirming) {
  const auto ada = sign_up("ada");
  const Origin stranger{.address = "198.51.100.9"};
  for (int failure = 0; failure < 6; ++failure) {
    static_cast<void>(accounts_->log_in("ada", kOther, stranger));
  }
  ASSERT_EQ(log_in_reason("ada", kPassword), "login_throttled");
  ASSERT_TRUE(accounts_->change_password(ada.principal, kPassword, kOther, origin_).has_value());
  EXPECT_TRUE(accounts_->delete_account(ada.principal, kOther).has_value());
}

TEST_P(AccountsTest, DeletingTheAccountDeletesEveryRowOfItAndNoOneElses) {
  const auto ada = sign_up("ada");
  const auto bob = sign_up("bob");
  const auto key =
      accounts_->create_api_key(ada.principal, "camera", {Scope::Read}, origin_).value();
  EXPECT_EQ(accounts_->delete_account(ada.principal, kOther).error().reason, "wrong_password");
  EXPECT_EQ(session_reason(ada.session_token), "");
  EXPECT_EQ(accounts_->delete_account(ada.principal, kPassword).value(), ada.principal.user.id);
  EXPECT_EQ(session_reason(ada.session_token), "session_unknown");
  EXPECT_EQ(accounts_->authenticate_api_key(key.key).error().reason, "api_key_unknown");
  EXPECT_EQ(log_in_reason("ada", kPassword), "wrong_credentials");
  EXPECT_EQ(session_reason(bob.session_token), "");
  const auto left = database().read([&](store::Transaction& transaction) -> Result<int64_t> {
    return TRY(
               transaction.query("select (select count(*) from owners where id = $1) + "
                                 "(select count(*) from sessions where owner_id = $1) + "
                                 "(select count(*) from api_keys where owner_id = $1) + "
                                 "(select count(*) from audit_entries where owner_id = $1)",
                                 ada.principal.user.id))[0]
        .integer(0);
  });
  EXPECT_EQ(left.value(), 0);
  EXPECT_NE(sign_up("ada").principal.user.id, ada.principal.user.id);
}

TEST_P(AccountsTest, ApiKeysMayDoWhatTheirScopesSayAndNothingToTheAccount) {
  const auto ada = sign_up("ada");
  const auto created = accounts_->create_api_key(ada.principal, "door camera",
                                                 {Scope::Read, Scope::Recognize}, origin_);
  ASSERT_TRUE(created.has_value());
  const auto principal = accounts_->authenticate_api_key(created->key).value();
  EXPECT_EQ(principal.user.id, ada.principal.user.id);
  EXPECT_EQ(principal.api_key, created->info.id);
  EXPECT_TRUE(principal.require(Scope::Read).has_value());
  EXPECT_TRUE(principal.require(Scope::Recognize).has_value());
  EXPECT_EQ(principal.require(Scope::Manage).error().reason, "scope_missing");
  EXPECT_EQ(principal.require_administrator().error().reason, "administrator_required");
  EXPECT_EQ(accounts_->change_password(principal, kPassword, kOther, origin_).error().reason,
            "scope_missing");
  EXPECT_EQ(accounts_->delete_account(principal, kPassword).error().reason, "scope_missing");
  EXPECT_EQ(accounts_->create_api_key(principal, "more", {Scope::Read}, origin_).error().reason,
            "scope_missing");
  EXPECT_EQ(accounts_->revoke_api_key(principal, created->info.id, origin_).error().reason,
            "scope_missing");
  EXPECT_EQ(accounts_->end_session(principal, *ada.principal.session, origin_).error().reason,
            "scope_missing");
}

TEST_P(AccountsTest, ApiKeysAreListedNotedWhenUsedAndRevoked) {
  const auto ada = sign_up("ada");
  const auto bob = sign_up("bob");
  const auto key =
      accounts_->create_api_key(ada.principal, "camera 😀", {Scope::Manage}, origin_).value();
  EXPECT_EQ(accounts_->api_keys(ada.principal)->at(0).last_used_at_ms, std::nullopt);
  ASSERT_TRUE(accounts_->authenticate_api_key(key.key).has_value());
  const auto listed = accounts_->api_keys(ada.principal).value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].label, "camera 😀");
  EXPECT_EQ(listed[0].scopes, Scopes{Scope::Manage});
  EXPECT_EQ(listed[0].last_used_at_ms, clock_.now_ms());
  EXPECT_TRUE(accounts_->api_keys(bob.principal)->empty());
  const auto foreign = accounts_->revoke_api_key(bob.principal, key.info.id, origin_);
  EXPECT_EQ(foreign.error().code, ErrorCode::NotFound);
  EXPECT_EQ(foreign.error().reason, "api_key_not_found");
  ASSERT_TRUE(accounts_->revoke_api_key(ada.principal, key.info.id, origin_).has_value());
  EXPECT_EQ(accounts_->authenticate_api_key(key.key).error().reason, "api_key_unknown");
  EXPECT_EQ(accounts_->authenticate_api_key(ada.session_token).error().reason, "api_key_unknown");
}

TEST_P(AccountsTest, BadLabelsScopesAndTooManyKeysAreRefused) {
  const auto ada = sign_up("ada");
  const auto create = [&](const std::string& label, Scopes scopes) {
    const auto created = accounts_->create_api_key(ada.principal, label, scopes, origin_);
    return created ? "" : created.error().reason;
  };
  EXPECT_EQ(create("", {Scope::Read}), "api_key_label");
  EXPECT_EQ(create(std::string(101, 'x'), {Scope::Read}), "api_key_label");
  EXPECT_EQ(create(std::string("a\0b", 3), {Scope::Read}), "api_key_label");
  EXPECT_EQ(create("\xff", {Scope::Read}), "api_key_label");
  EXPECT_EQ(create("camera", {}), "api_key_scopes");
  EXPECT_EQ(create("camera", {Scope::Read, Scope::Account}), "api_key_scopes");
  EXPECT_EQ(create(std::string(100, 'x'), {Scope::Read}), "");
  EXPECT_EQ(create("camera", {Scope::Read}), "");
  EXPECT_EQ(create("camera", {Scope::Read}), "too_many_api_keys");
}

TEST_P(AccountsTest, TheAuditLogTellsWhoDidWhatWhenAndFromWhere) {
  const auto ada = sign_up("ada");
  clock_.advance(minutes(1));
  EXPECT_EQ(log_in_reason("ada", kOther), "wrong_credentials");
  ASSERT_TRUE(accounts_->change_password(ada.principal, kPassword, kOther, origin_).has_value());
  EXPECT_EQ(actions(ada.principal),
            (std::vector<std::string>{"password_changed", "login_failed", "signed_up"}));
  const auto entries = accounts_->audit(ada.principal, 2).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].actor, fmt::format("user {}", ada.principal.user.id.value()));
  EXPECT_EQ(entries[0].address, "203.0.113.7");
  EXPECT_EQ(entries[0].at_ms, clock_.now_ms());
  EXPECT_EQ(entries[0].owner, ada.principal.user.id);
  EXPECT_EQ(entries[1].actor, "nobody");
  const auto older = accounts_->audit(ada.principal, 2, entries[1].id).value();
  ASSERT_EQ(older.size(), 1U);
  EXPECT_EQ(older[0].action, "signed_up");
  const auto bob = sign_up("bob");
  EXPECT_EQ(actions(bob.principal), std::vector<std::string>{"signed_up"});
  const auto all =
      database().read([](store::Transaction& transaction) { return audit_of_all(transaction, 0); });
  EXPECT_EQ(all->size(), 1U) << "at least one";
}

TEST_P(AccountsTest, TheCommandLineResetsAPasswordAndEndsAllSessionsAndKeys) {
  const auto ada = sign_up("Ada");
  const auto key =
      accounts_->create_api_key(ada.principal, "camera", {Scope::Read}, origin_).value();
  ASSERT_TRUE(accounts_->reset_password("ada", kOther).has_value());
  EXPECT_EQ(accounts_->authenticate_api_key(key.key).error().reason, "api_key_unknown");
  EXPECT_EQ(session_reason(ada.session_token), "session_unknown");
  EXPECT_EQ(log_in_reason("ada", kOther), "");
  EXPECT_EQ(accounts_->reset_password("ada", "12345678").error().reason, "password_common");
  for (const auto* name : {"nobody", "no body"}) {
    EXPECT_EQ(accounts_->reset_password(name, kOther).error().code, ErrorCode::NotFound);
    EXPECT_EQ(accounts_->reset_password(name, kOther).error().reason, "user_not_found");
  }
}

TEST_P(AccountsTest, RolesChangeButOneAdministratorRemains) {
  sign_up("ada");
  sign_up("bob");
  const auto refused = accounts_->set_role("ada", Role::User);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_EQ(refused.error().reason, "last_administrator");
  ASSERT_TRUE(accounts_->set_role("bob", Role::Administrator).has_value());
  ASSERT_TRUE(accounts_->set_role("ada", Role::User).has_value());
  const auto users = accounts_->users().value();
  EXPECT_EQ(users[0].name, "ada");
  EXPECT_EQ(users[0].role, Role::User);
  EXPECT_EQ(users[1].role, Role::Administrator);
  EXPECT_EQ(accounts_->set_role("nobody", Role::User).error().reason, "user_not_found");
}

TEST_P(AccountsTest, SweepingRemovesWhatHasExpired) {
  const auto ada = sign_up("ada");
  clock_.advance(days(8));
  ASSERT_TRUE(accounts_->sweep().has_value());
  EXPECT_EQ(session_reason(ada.session_token), "session_unknown");
  EXPECT_EQ(actions(ada.principal).size(), 1U);
  clock_.advance(days(365));
  ASSERT_TRUE(accounts_->sweep().has_value());
  EXPECT_TRUE(actions(ada.principal).empty());
}

TEST_P(AccountsTest, AHashOfAnotherCostIsReplacedAtTheNextLogIn) {
  sign_up("ada");
  Options options = cheap_options();
  options.password_cost.passes = 2;
  Accounts dearer(shared_database(), clock_, crypto::Secret::zeros(32), options);
  ASSERT_TRUE(dearer.log_in("ada", kPassword, origin_).has_value());
  const auto rows = database().read([](store::Transaction& transaction) {
    return transaction.query("select password_hash from users");
  });
  EXPECT_NE((*rows)[0].text(0).find("t=2"), std::string::npos) << (*rows)[0].text(0);
  EXPECT_TRUE(dearer.log_in("ada", kPassword, origin_).has_value());
}

TEST_P(AccountsTest, MorePasswordsAtOnceThanSlotsWaitTheirTurn) {
  sign_up("ada");
  std::vector<std::jthread> people;
  for (int person = 0; person < 6; ++person) {
    people.emplace_back([this] { EXPECT_EQ(log_in_reason("ada", kPassword), ""); });
    if (person == 3) people.clear();
  }
}

TEST_ON_BOTH_DATABASES(AccountsTest);

TEST(TokenKey, IsMadeOnceAndReadThen) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "token.key";
  const auto made = open_token_key(file).value();
  EXPECT_EQ(made.size(), 32U);
  const auto read = open_token_key(file).value();
  EXPECT_TRUE(std::ranges::equal(made.bytes(), read.bytes()));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(TokenKey, ADamagedFileIsCorruptAndLeftAlone) {
  const test::TemporaryFolder folder;
  for (const auto* contents : {"short", "this is longer than thirty-two bytes"}) {
    ASSERT_TRUE(write_file_atomically(folder.path() / "token.key", contents));
    const auto opened = open_token_key(folder.path() / "token.key");
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::Corrupt);
    EXPECT_EQ(opened.error().reason, "token_key_damaged");
  }
}

TEST(Scopes, AreWrittenAndReadInOneForm) {
  EXPECT_EQ((Scopes{Scope::Manage, Scope::Read}.text()), "read,manage");
  EXPECT_EQ(Scopes::parse("manage,read").value(), (Scopes{Scope::Read, Scope::Manage}));
  EXPECT_TRUE(Scopes::parse("")->empty());
  EXPECT_EQ(Scopes::parse("read,fly").error().reason, "scope_unknown");
  EXPECT_EQ(Scopes::parse("account").error().reason, "scope_unknown");
}

}  // namespace
}  // namespace faceforge::accounts
