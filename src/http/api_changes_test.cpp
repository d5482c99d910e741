// What an account and its galleries let be changed, and undone.

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crypto/totp.h"
#include "http/api_test_support.h"

namespace faceforge::http::test {
namespace {

/// What an authenticator shows that was given this key in Base32.
std::string code_now(std::string_view key, const Clock& clock) {
  std::vector<std::byte> bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : key) {
    bits = bits << 5 | static_cast<uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::byte>(bits >> count));
  }
  return crypto::totp_code(crypto::Secret::copy_of(std::span<const std::byte>(bytes)),
                           clock.now_ms() / crypto::kTotpStep_ms);
}

TEST_F(ApiTest, AsksForTheSecondFactorOnceItIsConfirmed) {
  ApiClient ada = signed_up("ada");
  const std::string path = "/api/v1/me/second-factor";
  EXPECT_EQ(body_of(ada.get(path)).at("is_on"), false);
  EXPECT_EQ(reason_of(ada.post(path, json::object{{"password", "wrong one here"}})),
            "wrong_password");
  const Answer begun = ada.post(path, json::object{{"password", ApiClient::kPassword}});
  EXPECT_EQ(begun.status, 201);
  EXPECT_EQ(body_of(begun).at("key").as_string().size(), 32U);  // 20 bytes in Base32
  const auto confirm = [&](std::string_view body) {
    return ada.send("PUT", path + "/confirmation", "application/json", body);
  };
  EXPECT_EQ(reason_of(confirm(R"({"code":"000000"})")), "second_factor_wrong");
  EXPECT_EQ(reason_of(confirm(R"({"code":5})")), "json_field_type");
  EXPECT_EQ(ada.send("DELETE", path, "application/json",
                     fmt::format(R"({{"password":"{}","code":""}})", ApiClient::kPassword))
                .status,
            204)
      << "it was only begun";
}

TEST_F(ApiTest, TakesTheSecondFactorAwayAndMakesRecoveryCodesForWhoHasACode) {
  ApiClient ada = signed_up("ada");
  const std::string path = "/api/v1/me/second-factor";
  const auto with_code = [&](std::string_view method, const std::string& where,
                             std::string_view code) {
    return ada.send(
        method, where, "application/json",
        json::to_text(json::object{{"password", ApiClient::kPassword}, {"code", code}}));
  };
  EXPECT_EQ(reason_of(with_code("POST", path + "/recovery-codes", "000000")), "second_factor_off");
  const accounts::Principal principal =
      accounts->authenticate_session(ada.cookie.substr(ada.cookie.find('=') + 1))->principal;
  const auto key = accounts->begin_second_factor(principal, ApiClient::kPassword);
  ASSERT_TRUE(key);
  const auto given = accounts->confirm_second_factor(principal, code_now(*key, clock), {});
  ASSERT_TRUE(given);
  EXPECT_EQ(reason_of(ada.send("DELETE", path, "application/json",
                               fmt::format(R"({{"password":"{}"}})", ApiClient::kPassword))),
            "json_field_missing")
      << "the password alone";
  const Answer wrong = with_code("DELETE", path, "000000");
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(reason_of(wrong), "second_factor_wrong");
  const Answer renewed = with_code("POST", path + "/recovery-codes", given->front());
  EXPECT_EQ(renewed.status, 201);
  const json::array codes = body_of(renewed).at("recovery_codes").as_array();
  ASSERT_EQ(codes.size(), 10U);
  EXPECT_EQ(with_code("DELETE", path, codes[0].as_string()).status, 204);
  EXPECT_EQ(body_of(ada.get(path)).at("is_on"), false);
}

TEST_F(ApiTest, APasswordChangeAndTheEndOfAnAccountNeedACodeWhereALogInDoes) {
  ApiClient ada = signed_up("ada");
  const accounts::Principal principal =
      accounts->authenticate_session(ada.cookie.substr(ada.cookie.find('=') + 1))->principal;
  const auto key = accounts->begin_second_factor(principal, ApiClient::kPassword);
  ASSERT_TRUE(key);
  const auto codes = accounts->confirm_second_factor(principal, code_now(*key, clock), {});
  ASSERT_TRUE(codes);
  const std::string_view next = "another long and good one";
  json::object change{{"current_password", ApiClient::kPassword}, {"new_password", next}};
  json::object end{{"password", next}};
  const auto ask = [&](std::string_view method, const std::string& path, const json::object& body) {
    return ada.send(method, path, "application/json", json::to_text(body));
  };
  const Answer refused = ask("PUT", "/api/v1/me/password", change);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(reason_of(refused), "second_factor_needed");
  change["code"] = codes->at(0);
  EXPECT_EQ(ask("PUT", "/api/v1/me/password", change).status, 204);
  EXPECT_EQ(reason_of(ask("DELETE", "/api/v1/me", end)), "second_factor_needed");
  end["code"] = codes->at(0);
  EXPECT_EQ(reason_of(ask("DELETE", "/api/v1/me", end)), "second_factor_wrong");
  end["code"] = codes->at(1);
  EXPECT_EQ(ask("DELETE", "/api/v1/me", end).status, 204);
}

TEST_F(ApiTest, ListsTheSessionsOfTheAccountAndEndsOne) {
  ApiClient ada = signed_up("ada");
  ApiClient elsewhere = client();
  elsewhere.enter("/api/v1/auth/login", "ada");
  ApiClient eve = signed_up("eve");
  const json::array sessions = body_of(ada.get("/api/v1/me/sessions")).at("sessions").as_array();
  ASSERT_EQ(sessions.size(), 2U);
  int64_t other = 0;
  int current_count = 0;
  for (const json::value& session : sessions) {
    if (session.at("current").as_bool())
      ++current_count;
    else
      other = session.at("id").as_int64();
  }
  EXPECT_EQ(current_count, 1);
  const std::string path = fmt::format("/api/v1/me/sessions/{}", other);
  EXPECT_EQ(reason_of(eve.send("DELETE", path)), "session_not_found");
  EXPECT_EQ(ada.send("DELETE", path).status, 204);
  EXPECT_EQ(elsewhere.get("/api/v1/me").status, 401);
  EXPECT_EQ(ada.get("/api/v1/me").status, 200);
}

TEST_F(ApiTest, MovesSplitsAndMergesPeopleAndUndoesIt) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  train(ada, filled.gallery);
  const std::string people = fmt::format("/api/v1/galleries/{}/people", filled.gallery);
  const std::string of_ada = fmt::format("{}/{}", people, filled.ada);
  const auto photos = body_of(ada.get(of_ada + "/photos")).at("photos").as_array();
  ASSERT_EQ(photos.size(), 3U);
  const auto first = photos[0].at("id").as_int64();

  const std::string of_bob = fmt::format("{}/{}", people, filled.bob);
  const auto move = [&](const std::string& person, const json::array& ids) {
    return ada.post(person + "/moved-photos", json::object{{"photo_ids", ids}});
  };
  EXPECT_EQ(body_of(move(of_bob, {first})).at("photo_count"), 4);
  json::object back{{"photo_ids", json::array{first}},
                    {"from_person_id", filled.bob},
                    {"merge_if_emptied", true}};
  EXPECT_EQ(body_of(ada.post(of_ada + "/moved-back-photos", back)).at("photo_ids"),
            json::array{first});
  EXPECT_EQ(body_of(ada.post(of_ada + "/moved-back-photos", back)).at("photo_ids"), json::array());
  back["merge_if_emptied"] = 1;
  EXPECT_EQ(reason_of(ada.post(of_ada + "/moved-back-photos", back)), "json_field_type");
  EXPECT_EQ(body_of(ada.get(of_ada)).at("photo_count"), 3);
  EXPECT_EQ(reason_of(move(of_bob, {})), "photo_count");
  EXPECT_EQ(reason_of(move(of_bob, {99999})), "photo_not_found");
  EXPECT_EQ(reason_of(move(of_bob, {"1"})), "json_field_type");

  const Answer split =
      ada.post(people, json::object{{"name", "Cleo"}, {"photo_ids", json::array{first}}});
  EXPECT_EQ(split.status, 201);
  EXPECT_EQ(body_of(split).at("photo_count"), 1);
  const auto cleo = body_of(split).at("id").as_int64();
  const json::object merged =
      body_of(ada.post(of_ada + "/merged-people", json::object{{"person_id", cleo}}));
  EXPECT_EQ(merged.at("person").at("photo_count"), 3);
  EXPECT_EQ(merged.at("photo_ids"), json::array{first});
  EXPECT_EQ(merged.at("sighting_ids"), json::array());
  EXPECT_EQ(ada.get(fmt::format("{}/{}", people, cleo)).status, 404);
  EXPECT_EQ(reason_of(ada.post(of_ada + "/merged-people", json::object{{"person_id", filled.ada}})),
            "same_person");
}

TEST_F(ApiTest, HoldsAVersionAgainstItsOwnPhotos) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  train(ada, filled.gallery);
  const std::string path = fmt::format("/api/v1/galleries/{}/versions", filled.gallery);
  const json::object check = body_of(ada.get(path + "/1/check"));
  EXPECT_EQ(check.at("checkable_photo_count"), 6);
  EXPECT_EQ(check.at("photos").as_array().size(), 6U);
  const auto& photo = check.at("photos").at(0);
  EXPECT_EQ(photo.at("person_id"), filled.ada);
  EXPECT_EQ(photo.at("nearest_other").at("person_id"), filled.bob);
  EXPECT_GT(photo.at("similarity").as_double(),
            photo.at("nearest_other").at("similarity").as_double());
  EXPECT_EQ(check.at("look_alikes").as_array().size(), 2U);
  EXPECT_EQ(check.at("promises").as_array().size(), 10U);
  EXPECT_EQ(check.at("promises").at(0).at("missed_photo_count"), 0);
  EXPECT_EQ(check.at("match_promises").as_array().size(), 13U);
  EXPECT_EQ(check.at("match_promises").at(0).at("false_match_rate"), 0.01);
  EXPECT_EQ(reason_of(ada.get(path + "/2/check")), "version_not_found");
}

TEST_F(ApiTest, TellsWhatTheVersionInUseMadeOfAPerson) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string path = fmt::format("/api/v1/galleries/{}", filled.gallery);
  const std::string training = fmt::format("{}/people/{}/training", path, filled.ada);
  const json::object before = body_of(ada.get(training));
  EXPECT_TRUE(before.at("version").is_null());
  EXPECT_TRUE(before.at("photos").as_array().empty());
  train(ada, filled.gallery);
  const json::object trained = body_of(ada.get(training));
  EXPECT_EQ(trained.at("version"), 1);
  ASSERT_EQ(trained.at("photos").as_array().size(), 3U);
  EXPECT_EQ(trained.at("photos").at(0).at("id"), filled.photo_of_ada);
  EXPECT_EQ(trained.at("photos").at(0).at("standing"), "used");
  const json::array alike = trained.at("look_alikes").as_array();
  ASSERT_EQ(alike.size(), 1U);
  EXPECT_EQ(alike[0].at("person_id"), filled.bob);
  EXPECT_EQ(alike[0].at("name"), "Bob");
  EXPECT_GT(alike[0].at("photo_id").as_int64(), 0);
  const json::object check = body_of(ada.get(path + "/versions/1/check"));
  EXPECT_EQ(alike[0].at("similarity"), check.at("look_alikes").at(0).at("similarity"));

  const json::value revision = body_of(ada.get(path)).at("revision");
  const std::string of_bob = fmt::format("{}/people/{}", path, filled.bob);
  ada.post(of_bob + "/moved-photos", json::object{{"photo_ids", json::array{filled.photo_of_ada}}});
  EXPECT_EQ(body_of(ada.get(training)).at("photos").as_array().size(), 2U);
  EXPECT_NE(body_of(ada.get(path)).at("revision"), revision) << "the version is another one now";
  EXPECT_EQ(reason_of(ada.get(path + "/people/9999/training")), "person_not_found");
}

TEST_F(ApiTest, DuplicatesAGalleryAndGoesBackToAnOlderVersion) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string path = fmt::format("/api/v1/galleries/{}", filled.gallery);
  train(ada, filled.gallery);
  train(ada, filled.gallery);
  EXPECT_EQ(body_of(ada.get(path)).at("version_in_use"), 2);
  const auto use = [&](std::string_view body) {
    return ada.send("PUT", path + "/version-in-use", "application/json", body);
  };
  EXPECT_EQ(body_of(use(R"({"number":1})")).at("version_in_use"), 1);
  EXPECT_EQ(reason_of(use(R"({"number":3})")), "version_not_found");

  const json::object name{{"name", "copy"}};
  const Answer copy = ada.post(path + "/duplicates", name);
  EXPECT_EQ(copy.status, 201);
  EXPECT_EQ(body_of(copy).at("photo_count"), 6);
  EXPECT_EQ(body_of(copy).at("version_in_use"), nullptr);
  EXPECT_EQ(reason_of(ada.post(path + "/duplicates", name)), "gallery_name_taken");
}

TEST_F(ApiTest, AGalleryTellsWhichPackAnswersAndWhetherThatIsAFormerOne) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string path = fmt::format("/api/v1/galleries/{}", filled.gallery);
  const auto answered_by = [&] { return json::to_text(body_of(ada.get(path)).at("answered_by")); };
  const auto told = [](char model, std::string_view pack, bool is_former, bool is_chosen) {
    return json::to_text(json::object{{"pack_id", pack},
                                      {"model_id", std::string(64, model)},
                                      {"is_former", is_former},
                                      {"is_chosen", is_chosen}});
  };
  EXPECT_EQ(answered_by(), "null");
  train(ada, filled.gallery);
  EXPECT_EQ(answered_by(), told('c', "colour", false, false));
  recognition->use_engines(std::make_shared<ColourEngine>('d'));
  EXPECT_EQ(answered_by(), told('c', "colour", true, false));
  const auto named =
      body_of(ada.post_form(path + "/identify", {{"photo", "a.png", picture(kRed)}}));
  EXPECT_EQ(named.at("model_id"), json::value(std::string(64, 'c'))) << "answered as before";
  train(ada, filled.gallery);
  EXPECT_EQ(answered_by(), told('d', "other", false, false));
  ASSERT_EQ(ada.send("PUT", path + "/version-in-use", "application/json", R"({"number":1})").status,
            200);
  EXPECT_EQ(answered_by(), told('c', "colour", true, true));
}

}  // namespace
}  // namespace faceforge::http::test
