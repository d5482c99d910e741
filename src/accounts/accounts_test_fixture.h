#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "accounts/accounts.h"
#include "base/clock.h"
#include "support/databases.h"

namespace faceforge::accounts {

inline constexpr auto kPassword = "correct horse battery staple";
inline constexpr auto kOther = "another long password";

inline Options cheap_options() {
  Options options;
  options.password_cost = crypto::PasswordCost::for_tests();
  options.sessions_per_user_max = 3;
  options.api_keys_per_user_max = 2;
  return options;
}

class AccountsFixture : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    migrate(store::owner_migrations());
    auto steps = store::owner_migrations();
    for (const auto& step : migrations()) steps.push_back(step);
    migrate(steps);
    reopen_accounts();
  }

  void reopen_accounts() {
    accounts_ = std::make_unique<Accounts>(shared_database(), clock_, crypto::Secret::zeros(32),
                                           cheap_options());
  }
  LoggedIn sign_up(const std::string& name) {
    auto signed_up = accounts_->sign_up(name, kPassword, origin_);
    EXPECT_TRUE(signed_up.has_value()) << signed_up.error().message;
    return *std::move(signed_up);
  }
  std::string log_in_reason(const std::string& name, const std::string& password,
                            std::optional<std::string_view> code = std::nullopt) {
    const auto outcome = accounts_->log_in(name, password, origin_, code);
    return outcome ? "" : outcome.error().reason;
  }
  std::string session_reason(const std::string& token) {
    const auto outcome = accounts_->authenticate_session(token);
    return outcome ? "" : outcome.error().reason;
  }
  std::vector<std::string> actions(const Principal& principal) {
    std::vector<std::string> actions;
    const auto entries = accounts_->audit(principal, 100).value();
    for (const auto& entry : entries) actions.push_back(entry.action);
    return actions;
  }
  bool database_contains(const std::string& text) {
    const auto found = database().read([&](store::Transaction& transaction) -> Result<int64_t> {
      return TRY(
                 transaction.query("select (select count(*) from sessions where token_hash = $1) + "
                                   "(select count(*) from api_keys where key_hash = $1) + "
                                   "(select count(*) from users where password_hash = $1)",
                                   text))[0]
          .integer(0);
    });
    return found.value() != 0;
  }

  ManualClock clock_;
  Origin origin_{.address = "203.0.113.7", .user_agent = "test"};
  std::unique_ptr<Accounts> accounts_;
};

}  // namespace faceforge::accounts
