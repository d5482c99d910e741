// The API as clients see it: over a socket, with a real database, real files and real jobs behind.

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/api_test_support.h"
#include "packs/known_cards.h"

namespace faceforge::http::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSignUp = "/api/v1/auth/signup";
constexpr std::string_view kLogIn = "/api/v1/auth/login";

json::object credentials(std::string_view name, std::string_view password = ApiClient::kPassword) {
  return {{"name", name}, {"password", password}};
}

size_t files_below(const std::filesystem::path& folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    count += entry.is_regular_file() && entry.file_size() > 0 ? 1 : 0;
  }
  return count;
}

TEST_F(ApiTest, SignsUpInAndOut) {
  ApiClient ada = client();
  const Answer signed_up_answer = ada.post(kSignUp, credentials("ada"));
  EXPECT_EQ(signed_up_answer.status, 201);
  EXPECT_EQ(body_of(signed_up_answer).at("user").at("name"), "ada");
  const std::string cookie = signed_up_answer.header("Set-Cookie");
  EXPECT_THAT(cookie, HasSubstr("; HttpOnly"));
  EXPECT_THAT(cookie, HasSubstr("; SameSite=Strict"));
  EXPECT_THAT(cookie, Not(HasSubstr("Secure")));
  EXPECT_EQ(signed_up_answer.header("Cache-Control"), "no-store");

  ada.enter(kLogIn, "ada");
  const Answer session = ada.get("/api/v1/auth/session");
  EXPECT_EQ(session.status, 200);
  EXPECT_EQ(body_of(session).at("csrf_token"), json::value(ada.csrf_token));
  EXPECT_EQ(body_of(ada.get("/api/v1/me")).at("name"), "ada");

  const Answer logged_out = ada.send("POST", "/api/v1/auth/logout");
  EXPECT_EQ(logged_out.status, 204);
  EXPECT_THAT(logged_out.header("Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(ada.get("/api/v1/me").status, 401);
}

TEST_F(ApiTest, WhoIsNotLoggedInHasASessionOfNobody) {
  const auto expect_nobody = [](const Answer& answer) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(body_of(answer).at("user").is_null());
    EXPECT_TRUE(body_of(answer).at("csrf_token").is_null());
  };
  ApiClient visitor = client();
  expect_nobody(visitor.get("/api/v1/auth/session"));
  visitor.cookie = "faceforge_session=" + std::string(43, 'x');
  expect_nobody(visitor.get("/api/v1/auth/session"));
  ApiClient ada = client();
  ada.enter(kSignUp, "ada");
  EXPECT_EQ(body_of(ada.get("/api/v1/auth/session")).at("user").at("name"), "ada");
  EXPECT_EQ(ada.send("POST", "/api/v1/auth/logout").status, 204);
  expect_nobody(ada.get("/api/v1/auth/session"));
}

TEST_F(ApiTest, RefusesBadNamesAndPasswords) {
  ApiClient nobody = client();
  EXPECT_EQ(reason_of(nobody.post(kSignUp, credentials("ada", "short"))), "password_too_short");
  EXPECT_EQ(reason_of(nobody.post(kSignUp, credentials("ada", "password123"))), "password_common");
  EXPECT_EQ(nobody.post(kSignUp, credentials("a/b")).status, 400);
  ASSERT_EQ(nobody.post(kSignUp, credentials("ada")).status, 201);
  const Answer taken = nobody.post(kSignUp, credentials("ADA"));
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(reason_of(taken), "user_name_taken");
  EXPECT_EQ(nobody.post(kLogIn, credentials("ada", "not the pass phrase")).status, 401);
  EXPECT_EQ(nobody.post(kLogIn, credentials("eve", "not the pass phrase")).status, 401);
}

TEST_F(ApiTest, SlowsDownWhoeverGuesses) {
  ApiClient nobody = client();
  ASSERT_EQ(nobody.post(kSignUp, credentials("ada")).status, 201);
  Answer answer;
  for (int i = 0; i < 20 && answer.status != 429; ++i) {
    answer = nobody.post(kLogIn, credentials("ada", fmt::format("wrong guess {}", i)));
  }
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(reason_of(answer), "login_throttled");
  EXPECT_GE(std::stoi(answer.header("Retry-After")), 1);
}

TEST_F(ApiTest, RefusesBodiesThatAreNotWhatIsAsked) {
  ApiClient ada = signed_up("ada");
  const std::string_view path = "/api/v1/galleries";
  EXPECT_EQ(ada.send("POST", path, "text/plain", R"({"name":"x"})").status, 415);
  EXPECT_EQ(reason_of(ada.send("POST", path, "application/json", "{\"name\":")), "json_malformed");
  EXPECT_EQ(reason_of(ada.send("POST", path, "application/json", "[]")), "json_not_an_object");
  EXPECT_EQ(reason_of(ada.post(path, json::object{{"name", "x"}, {"extra", 1}})),
            "json_field_unknown");
  EXPECT_EQ(reason_of(ada.post(path, json::object{})), "json_field_missing");
  EXPECT_EQ(reason_of(ada.post(path, json::object{{"name", 7}})), "json_field_type");
  EXPECT_EQ(reason_of(ada.send("POST", path)), "not_json");
  const std::string large = R"({"name":")" + std::string(1'100'000, 'x') + "\"}";
  EXPECT_EQ(ada.send("POST", path, "application/json", large).status, 413);
  EXPECT_EQ(ada.get("/api/v1/galleries?colour=red").status, 400);
}

TEST_F(ApiTest, ChangesThePassword) {
  ApiClient ada = signed_up("ada");
  ApiClient elsewhere = client();
  elsewhere.enter(kLogIn, "ada");
  const auto change = [&](std::string_view current) {
    const json::object body{{"current_password", current}, {"new_password", "another pass phrase"}};
    return ada.send("PUT", "/api/v1/me/password", "application/json", json::to_text(body));
  };
  EXPECT_EQ(change("not the pass phrase").status, 403);
  EXPECT_EQ(change(ApiClient::kPassword).status, 204);
  EXPECT_EQ(ada.get("/api/v1/me").status, 200);
  EXPECT_EQ(elsewhere.get("/api/v1/me").status, 401);
  EXPECT_EQ(client().post(kLogIn, credentials("ada", "another pass phrase")).status, 200);
}

TEST_F(ApiTest, DeletesTheAccountAndEverythingInIt) {
  ApiClient ada = signed_up("ada");
  fill(ada);
  const auto remove = [&](std::string_view password) {
    return ada.send("DELETE", "/api/v1/me", "application/json",
                    json::to_text(json::object{{"password", password}}));
  };
  EXPECT_EQ(remove("not the pass phrase").status, 403);
  EXPECT_EQ(files_below(folder.path() / "files"), 6U);
  EXPECT_EQ(remove(ApiClient::kPassword).status, 204);
  EXPECT_EQ(files_below(folder.path() / "files"), 0U);
  EXPECT_EQ(ada.get("/api/v1/me").status, 401);
  EXPECT_EQ(client().post(kLogIn, credentials("ada")).status, 401);
}

TEST_F(ApiTest, AnAccountWhoseRowsAreGoneIsDeletedWhateverFailsAfterThat) {
  ApiClient ada = signed_up("ada");
  fill(ada);
  // Cascades still reach this table; statements that name it fail.
  ASSERT_TRUE(database->transact([](store::Transaction& transaction) {
    return transaction.execute("alter table galleries rename to galleries_out_of_reach");
  }));
  const Answer deleted = ada.send("DELETE", "/api/v1/me", "application/json",
                                  json::to_text(json::object{{"password", ApiClient::kPassword}}));
  EXPECT_EQ(deleted.status, 204) << deleted.body;
  EXPECT_THAT(deleted.header("Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(files_below(folder.path() / "files"), 0U);
  EXPECT_EQ(ada.get("/api/v1/me").status, 401);
}

TEST_F(ApiTest, ApiKeysDoWhatTheirScopesSayUntilTheyAreRevoked) {
  ApiClient ada = signed_up("ada");
  const Answer created = ada.post("/api/v1/me/api-keys",
                                  json::object{{"name", "door"}, {"scopes", json::array{"read"}}});
  ASSERT_EQ(created.status, 201) << created.body;
  const std::string key(body_of(created).at("key").as_string());
  const Answer listed = ada.get("/api/v1/me/api-keys");
  EXPECT_THAT(listed.body, HasSubstr("\"door\""));
  EXPECT_THAT(listed.body, Not(HasSubstr(key)));

  ApiClient door = client();
  door.fields["Authorization"] = "Bearer " + key;
  EXPECT_EQ(door.get("/api/v1/galleries").status, 200);
  const Answer refused = door.post("/api/v1/galleries", json::object{{"name", "Family"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(reason_of(refused), "scope_missing");
  EXPECT_EQ(door.get("/api/v1/me/api-keys").status, 403);

  EXPECT_EQ(ada.send("DELETE", fmt::format("/api/v1/me/api-keys/{}", id_of(created))).status, 204);
  EXPECT_EQ(door.get("/api/v1/galleries").status, 401);
  door.fields["Authorization"] = "Basic YTpi";
  EXPECT_EQ(reason_of(door.get("/api/v1/galleries")), "authorization_unsupported");
}

TEST_F(ApiTest, MakesRenamesAndDeletesGalleries) {
  ApiClient ada = signed_up("ada");
  const Answer created = ada.post("/api/v1/galleries", json::object{{"name", "\"Büro\" / 1 😀"}});
  ASSERT_EQ(created.status, 201);
  const std::string path = fmt::format("/api/v1/galleries/{}", id_of(created));
  EXPECT_EQ(body_of(ada.get(path)).at("name"), "\"Büro\" / 1 😀");
  EXPECT_EQ(body_of(ada.get(path)).at("latest_version"), nullptr);
  EXPECT_EQ(body_of(ada.get(path)).at("trained_at"), nullptr);
  const Answer twice = ada.post("/api/v1/galleries", json::object{{"name", "\"Büro\" / 1 😀"}});
  EXPECT_EQ(twice.status, 409);
  EXPECT_EQ(reason_of(twice), "gallery_name_taken");
  for (const std::string& bad : {std::string(), std::string(300, 'x'), std::string("a\0b", 3)}) {
    EXPECT_EQ(ada.post("/api/v1/galleries", json::object{{"name", bad}}).status, 400);
  }
  EXPECT_EQ(body_of(ada.send("PATCH", path, "application/json", R"({"name":"Work"})")).at("name"),
            "Work");
  EXPECT_EQ(ada.send("DELETE", path).status, 204);
  EXPECT_EQ(ada.get(path).status, 404);
}

TEST_F(ApiTest, TakesAnyNameOfAPersonThatCanBeShownOnce) {
  ApiClient ada = signed_up("ada");
  const int64_t gallery = id_of(ada.post("/api/v1/galleries", json::object{{"name", "Family"}}));
  const std::string people = fmt::format("/api/v1/galleries/{}/people", gallery);
  struct Case {
    std::string name;
    int status;
    std::string_view reason;
  };
  const std::vector<Case> cases{{"Ada 😀👩‍👩‍👧", 201, ""},
                                {"../Ada/Byron\\", 201, ""},
                                {"\"Ada\" 'Byron' `x`; drop table people;--", 201, ""},
                                {std::string(200, 'x'), 201, ""},
                                {std::string(200, 'x'), 409, "person_name_taken"},
                                {std::string(300, 'x'), 400, "name_too_long"},
                                {std::string("a\0b", 3), 400, "name_control_character"},
                                {"", 400, "name_empty"}};
  for (const Case& one : cases) {
    const Answer made = ada.post(people, json::object{{"name", one.name}});
    EXPECT_EQ(made.status, one.status) << made.body;
    EXPECT_EQ(reason_of(made), one.reason) << one.name;
    if (made.status != 201) continue;
    const std::string path = fmt::format("{}/{}", people, id_of(made));
    EXPECT_EQ(body_of(ada.get(path)).at("name"), json::value(one.name));
  }
  const int64_t bob = id_of(ada.post(people, json::object{{"name", "Bob"}}));
  const Answer renamed = ada.send("PATCH", fmt::format("{}/{}", people, bob), "application/json",
                                  json::to_text(json::object{{"name", cases[0].name}}));
  EXPECT_EQ(renamed.status, 409);
  EXPECT_EQ(reason_of(renamed), "person_name_taken");
}

TEST_F(ApiTest, ListsPageByPage) {
  ApiClient ada = signed_up("ada");
  for (const char* name : {"Delta", "alpha beta", "Charlie", "Bravo", "Ö & co"}) {
    ASSERT_EQ(ada.post("/api/v1/galleries", json::object{{"name", name}}).status, 201);
  }
  std::vector<std::string> names;
  std::string query = "?limit=2";
  for (int page = 0; page < 3; ++page) {
    const json::object body = body_of(ada.get("/api/v1/galleries" + query));
    for (const auto& gallery : body.at("galleries").as_array()) {
      names.emplace_back(gallery.at("name").as_string());
    }
    if (page == 2) {
      EXPECT_TRUE(body.at("next_cursor").is_null());
      break;
    }
    std::string cursor;
    for (const char c : std::string(body.at("next_cursor").as_string())) {
      cursor += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    query = "?limit=2&cursor=" + cursor;
  }
  EXPECT_THAT(names, testing::ElementsAre("Bravo", "Charlie", "Delta", "alpha beta", "Ö & co"));
  EXPECT_EQ(ada.get("/api/v1/galleries?limit=0").status, 400);
  EXPECT_EQ(ada.get("/api/v1/galleries?limit=201").status, 400);
  EXPECT_EQ(reason_of(ada.get("/api/v1/jobs?cursor=x")), "cursor_invalid");
}

TEST_F(ApiTest, FindsPeopleByNamePageByPage) {
  ApiClient ada = signed_up("ada");
  const std::string people =
      fmt::format("/api/v1/galleries/{}/people", fill(ada).gallery);  // Ada and Bob
  ASSERT_EQ(ada.post(people, json::object{{"name", "Adèle"}}).status, 201);
  const json::object first = body_of(ada.get(people + "?name=AD&limit=1"));
  EXPECT_EQ(first.at("people").at(0).at("name"), "Ada");
  EXPECT_EQ(first.at("next_cursor"), "Ada");
  const json::object second = body_of(ada.get(people + "?name=AD&limit=1&cursor=Ada"));
  EXPECT_EQ(second.at("people").at(0).at("name"), "Adèle");
  EXPECT_TRUE(second.at("next_cursor").is_null());
  EXPECT_EQ(body_of(ada.get(people + "?name=adele")).at("people").as_array().size(), 1U);
  EXPECT_EQ(body_of(ada.get(people + "?name=")).at("people").as_array().size(), 3U);
  EXPECT_EQ(reason_of(ada.get(people + "?name=" + std::string(201, 'x'))), "name_too_long");
  EXPECT_EQ(reason_of(ada.get(people + "?nam=x")), "query_parameter_unknown");
}

TEST_F(ApiTest, UploadsPhotosEachTakenOrRefusedOnItsOwn) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string photos =
      fmt::format("/api/v1/galleries/{}/people/{}/photos", filled.gallery, filled.ada);
  const std::string taken = picture(kRed, 100);
  const Answer answer = ada.post_form(photos, {{"photo", "ok.png", taken},
                                               {"photo", "empty.png", ""},
                                               {"photo", "text.txt", "hello"},
                                               {"photo", "nobody.png", picture(kBlack)},
                                               {"photo", "two.png", picture(kWhite)},
                                               {"photo", "again.png", taken},
                                               {"photo", "half.png", taken.substr(0, 60)}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::object report = body_of(answer);
  EXPECT_EQ(report.at("taken_count"), 1);
  EXPECT_EQ(report.at("refused_count"), 6);
  std::vector<std::string> reasons;
  for (const auto& result : report.at("results").as_array()) {
    EXPECT_EQ(result.at("index"), static_cast<int64_t>(reasons.size()));
    reasons.emplace_back(result.at("outcome") == "taken"
                             ? "taken"
                             : std::string(result.at("error").at("reason").as_string()));
  }
  EXPECT_THAT(reasons, testing::ElementsAre("taken", "photo_empty", "not_an_image", "no_face_found",
                                            "several_faces", "photo_duplicate", "image_damaged"));
  const auto& first = report.at("results").at(0);
  EXPECT_EQ(first.at("file_name"), "ok.png");
  EXPECT_EQ(first.at("photo").at("width_px"), 100);
  EXPECT_EQ(first.at("photo").at("face").at("box").at("x").to_number<double>(), 20);
  EXPECT_EQ(first.at("photo").at("face").at("quality").at("face_size_px").to_number<double>(), 50);
  EXPECT_EQ(report.at("results").at(4).at("faces").as_array().size(), 2U);
  const json::object duplicate{
      {"photo_id", first.at("photo").at("id")}, {"person_id", filled.ada}, {"person", "Ada"}};
  EXPECT_EQ(report.at("results").at(5).at("duplicate_of"), duplicate);
  EXPECT_FALSE(report.at("results").at(4).as_object().contains("duplicate_of"));

  const std::string photo = fmt::format("{}/{}", photos, first.at("photo").at("id").as_int64());
  EXPECT_EQ(body_of(ada.get(photo)).at("file_name"), "ok.png");
  const Answer image = ada.get(photo + "/image");
  EXPECT_EQ(image.body, taken);
  EXPECT_EQ(image.header("Content-Type"), "image/png");
  EXPECT_EQ(image.header("Cache-Control"), "no-store");
  EXPECT_EQ(image.header("X-Content-Type-Options"), "nosniff");
  const Answer crop = ada.get(photo + "/crop");
  EXPECT_EQ(crop.header("Content-Type"), "image/jpeg");
  EXPECT_TRUE(crop.body.starts_with("\xff\xd8\xff"));
  ApiClient again = ada;
  again.fields["If-None-Match"] = crop.header("ETag");
  EXPECT_EQ(again.get(photo + "/crop").status, 304);
  EXPECT_EQ(again.get(photo + "/crop").body, "");
  ApiClient bob = signed_up("bob");
  bob.fields = again.fields;
  EXPECT_EQ(bob.get(photo + "/crop").status, 404) << "in the browser that Ada used";
  EXPECT_EQ(body_of(ada.get(photos)).at("photos").as_array().size(), 4U);
  EXPECT_EQ(ada.send("DELETE", photo).status, 204);
  EXPECT_EQ(again.get(photo + "/crop").status, 404);
  EXPECT_EQ(ada.get(photo + "/image").status, 404);
  const std::string of_bob = fmt::format("/api/v1/galleries/{}/people/{}/photos/{}", filled.gallery,
                                         filled.bob, filled.photo_of_ada);
  EXPECT_EQ(ada.get(of_bob).status, 404) << "a photo belongs to its person";
}

TEST_F(ApiTest, APersonIsShownByOneOfTheirPhotos) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string people = fmt::format("/api/v1/galleries/{}/people", filled.gallery);
  EXPECT_EQ(body_of(ada.get(fmt::format("{}/{}", people, filled.ada))).at("cover_photo_id"),
            filled.photo_of_ada);
  EXPECT_EQ(body_of(ada.get(people)).at("people").at(0).at("cover_photo_id"), filled.photo_of_ada);
  const json::object nobody = body_of(ada.post(people, json::object{{"name", "Nobody"}}));
  EXPECT_TRUE(nobody.at("cover_photo_id").is_null());
  EXPECT_EQ(nobody.at("is_trained"), false);
}

TEST_F(ApiTest, AFolderThatIsBrokenIsTheServersTroubleAndItsPathStaysInside) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string photos =
      fmt::format("/api/v1/galleries/{}/people/{}/photos", filled.gallery, filled.ada);
  const auto account =
      folder.path() / "files" / std::to_string(body_of(ada.get("/api/v1/me")).at("id").as_int64());
  std::filesystem::rename(account, folder.path() / "moved");
  std::ofstream(account) << "no folder";
  const Answer upload = ada.post_form(photos, {{"photo", "a.png", picture(kRed, 300)}});
  EXPECT_EQ(upload.status, 500) << upload.body;
  const Answer image = ada.get(fmt::format("{}/{}/image", photos, filled.photo_of_ada));
  EXPECT_EQ(image.status, 404);
  EXPECT_EQ(reason_of(image), "blob_not_found");
  for (const Answer& answer : {upload, image}) {
    EXPECT_THAT(answer.body, testing::Not(testing::HasSubstr(folder.path().string())));
  }
}

TEST_F(ApiTest, TakesNoNewAccountsWhenSignUpIsClosed) {
  signed_up("ada");
  Services closed = services(*database);
  closed.sign_up = SignUp::Closed;
  serve(closed);
  const Answer refused = client().post(kSignUp, credentials("bob"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(reason_of(refused), "sign_up_closed");
  EXPECT_EQ(client().post(kLogIn, credentials("ada")).status, 200);
}

TEST_F(ApiTest, RefusesFormsThatAreNotPhotos) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string photos =
      fmt::format("/api/v1/galleries/{}/people/{}/photos", filled.gallery, filled.ada);
  EXPECT_EQ(reason_of(ada.post(photos, json::object{})), "not_multipart");
  EXPECT_EQ(reason_of(ada.send("POST", photos, "multipart/form-data", "x")), "multipart_boundary");
  EXPECT_EQ(reason_of(ada.send("POST", photos, kFormType, "nonsense")), "multipart_malformed");
  EXPECT_EQ(reason_of(ada.post_form(photos, {})), "photo_missing");
  EXPECT_EQ(reason_of(ada.post_form(photos, {{"file", "a.png", picture(kRed, 7)}})),
            "form_field_unknown");
  std::vector<FormPart> many;
  for (int i = 0; i < 51; ++i) many.push_back({"photo", "p.png", picture(kRed, 1'000 + i)});
  const Answer too_many = ada.post_form(photos, many);
  EXPECT_EQ(too_many.status, 413);
  EXPECT_EQ(reason_of(too_many), "too_many_photos");
  many.pop_back();
  EXPECT_EQ(body_of(ada.post_form(photos, many)).at("taken_count"), 50);
}

TEST_F(ApiTest, AnUploadThatStopsHalfWayChangesNothing) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string photos =
      fmt::format("/api/v1/galleries/{}/people/{}/photos", filled.gallery, filled.ada);
  const std::string body =
      form({{"photo", "a.png", picture(kRed, 50)}, {"photo", "b.png", picture(kRed, 51)}});
  RawClient connection(server->port());
  connection.send(
      fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nCookie: {}\r\n"
                  "X-CSRF-Token: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
                  photos, server->port(), ada.cookie, ada.csrf_token, kFormType, body.size()));
  connection.send(std::string_view(body).substr(0, body.size() - 10));
  connection.end_sending();
  const auto answer = connection.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(reason_of(*answer), "body_incomplete");
  EXPECT_EQ(body_of(ada.get(photos)).at("photos").as_array().size(), 3U);
  EXPECT_EQ(files_below(folder.path() / "files"), 6U);
}

TEST_F(ApiTest, TrainsVerifiesAndIdentifies) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const std::string path = fmt::format("/api/v1/galleries/{}", filled.gallery);
  const std::vector<FormPart> red{{"photo", "who.png", picture(kRed, 500)}};
  EXPECT_EQ(reason_of(ada.post_form(path + "/identify", red)), "gallery_not_trained");

  const json::object job = train(ada, filled.gallery);
  EXPECT_EQ(job.at("state"), "succeeded");
  EXPECT_EQ(job.at("result").at("version"), 1);
  const json::object versions = body_of(ada.get(path + "/versions"));
  EXPECT_EQ(versions.at("versions").at(0).at("number"), 1);
  EXPECT_EQ(versions.at("versions").at(0).at("photo_count"), 6);
  const json::object trained = body_of(ada.get(path));
  EXPECT_EQ(trained.at("latest_version"), 1);
  EXPECT_EQ(trained.at("trained_at"), versions.at("versions").at(0).at("trained_at"));
  EXPECT_EQ(trained.at("untrained_photo_count"), 0);
  EXPECT_EQ(body_of(ada.get(path + "/versions/1")).at("people").as_array().size(), 2U);
  const Answer model = ada.get(path + "/versions/1/model");
  EXPECT_TRUE(model.body.starts_with("PK"));
  EXPECT_THAT(model.header("Content-Disposition"), HasSubstr(".ffg\""));

  const json::object identified = body_of(ada.post_form(path + "/identify?candidate_count=1", red));
  const auto& face = identified.at("faces").at(0);
  EXPECT_EQ(face.at("decision"), "match");
  EXPECT_EQ(face.at("person"), "Ada");
  EXPECT_EQ(face.at("candidates").as_array().size(), 1U);
  EXPECT_EQ(face.at("candidates").at(0).at("person_id"), filled.ada);

  const auto verify = [&](int64_t person, std::string_view more = "") {
    return ada.post_form(fmt::format("{}/verify?person_id={}{}", path, person, more), red);
  };
  EXPECT_EQ(body_of(verify(filled.ada)).at("decision"), "match");
  EXPECT_EQ(body_of(verify(filled.bob)).at("decision"), "no_match");
  EXPECT_EQ(verify(999).status, 404);
  EXPECT_EQ(verify(filled.ada, "&version=2").status, 404);
  EXPECT_EQ(verify(filled.ada, "&false_match_rate=2").status, 400);
  EXPECT_EQ(verify(filled.ada, "&false_match_rate=1e-9").status, 200);  // the documented minimum
  EXPECT_EQ(verify(filled.ada, "&false_match_rate=9e-10").status, 400);
  EXPECT_EQ(verify(filled.ada, "&face=any").status, 400);
  EXPECT_EQ(verify(filled.ada, "&face_box=21,10,50,50").status, 200);
  EXPECT_EQ(reason_of(verify(filled.ada, "&face_box=0,0,9,9")), "no_face_there");
  for (const char* bad : {"1,2,3", "1,2,0,4", "1,2,3,-4", "1,2,1e300,4", "1,2,3,4&face=only"}) {
    const Answer refused = verify(filled.ada, fmt::format("&face_box={}", bad));
    EXPECT_EQ(reason_of(refused), "query_parameter_invalid") << bad;
  }
  EXPECT_EQ(reason_of(ada.post_form(path + "/verify", red)), "query_parameter_missing");

  EXPECT_EQ(ada.send("DELETE", path + "/versions/1").status, 204);
  EXPECT_EQ(ada.get(path + "/versions/1").status, 404);
}

TEST_F(ApiTest, RefusesToTrainAnEmptyGallery) {
  ApiClient ada = signed_up("ada");
  const int64_t gallery = id_of(ada.post("/api/v1/galleries", json::object{{"name", "Empty"}}));
  const Answer refused = ada.send("POST", fmt::format("/api/v1/galleries/{}/versions", gallery));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(reason_of(refused), "gallery_empty");
}

TEST_F(ApiTest, RefusesToTrainAGalleryThatIsBeingTrained) {
  ApiClient ada = signed_up("ada");
  const std::string versions = fmt::format("/api/v1/galleries/{}/versions", fill(ada).gallery);
  jobs->stop();  // what is begun does not end
  ASSERT_EQ(ada.send("POST", versions).status, 202);
  for (const char* state : {"queued", "running"}) {
    ASSERT_TRUE(database->transact([&](store::Transaction& transaction) {
      return transaction.execute("update jobs set state = $1", state);
    }));
    const Answer second = ada.send("POST", versions);
    EXPECT_EQ(second.status, 409) << state;
    EXPECT_EQ(reason_of(second), "training_running") << state;
  }
}

TEST_F(ApiTest, SaysWhatIsWrongWithAPhotoThatIsAskedAbout) {
  ApiClient ada = signed_up("ada");
  const std::string good = picture(kRed);
  // The same with another header: 50000 x 50000 pixels, and the checksum of that.
  std::string huge = good;
  huge.replace(16, 17, std::string("\0\0\xC3\x50\0\0\xC3\x50\x08\x02\0\0\0\xC4\xCD\xAA\x9D", 17));
  struct Case {
    std::string photo;
    int status;
    std::string_view reason;
  };
  for (const Case& one :
       {Case{"", 400, "photo_empty"}, Case{good.substr(0, 60), 400, "image_damaged"},
        Case{huge, 413, "photo_too_large"}, Case{"text", 415, "not_an_image"}}) {
    const auto expect_refused = [&](const Answer& answer) {
      EXPECT_EQ(answer.status, one.status) << answer.body;
      EXPECT_EQ(reason_of(answer), one.reason) << answer.body;
    };
    expect_refused(ada.post_form("/api/v1/detect", {{"photo", "a.png", one.photo}}));
    expect_refused(ada.post_form("/api/v1/compare",
                                 {{"photo_a", "a.png", one.photo}, {"photo_b", "b.png", good}}));
    expect_refused(ada.post_form("/api/v1/compare",
                                 {{"photo_a", "a.png", good}, {"photo_b", "b.png", one.photo}}));
  }
}

TEST_F(ApiTest, DetectsAndCompares) {
  ApiClient ada = signed_up("ada");
  const json::object two =
      body_of(ada.post_form("/api/v1/detect", {{"photo", "a.png", picture(kWhite)}}));
  EXPECT_EQ(two.at("faces").as_array().size(), 2U);
  EXPECT_EQ(two.at("width_px"), 100);
  const json::object none =
      body_of(ada.post_form("/api/v1/detect", {{"photo", "a.png", picture(kBlack)}}));
  EXPECT_EQ(none.at("faces").as_array().size(), 0U);
  EXPECT_EQ(reason_of(ada.post_form("/api/v1/detect", {{"photo", "a.txt", "text"}})),
            "not_an_image");

  const auto compare = [&](Colour a, Colour b, std::string_view query = "") {
    return ada.post_form(
        fmt::format("/api/v1/compare{}", query),
        {{"photo_b", "b.png", picture(b, 1)}, {"photo_a", "a.png", picture(a, 2)}});
  };
  EXPECT_EQ(body_of(compare(kRed, kRed)).at("decision"), "match");
  EXPECT_EQ(body_of(compare(kRed, kGreen)).at("decision"), "no_match");
  EXPECT_EQ(reason_of(compare(kRed, kBlack)), "no_face_found");
  EXPECT_EQ(reason_of(compare(kWhite, kWhite)), "several_faces");
  EXPECT_EQ(compare(kWhite, kWhite, "?face=largest").status, 200);
  EXPECT_EQ(reason_of(ada.post_form("/api/v1/compare", {{"photo_a", "a.png", picture(kRed)}})),
            "photo_missing");
}

TEST_F(ApiTest, TellsAboutJobsAndPacks) {
  ApiClient ada = signed_up("ada");
  const Filled filled = fill(ada);
  const json::object job = train(ada, filled.gallery);
  const int64_t id = job.at("id").as_int64();
  EXPECT_EQ(body_of(ada.get("/api/v1/jobs")).at("jobs").at(0).at("id"), id);
  EXPECT_EQ(body_of(ada.send("POST", fmt::format("/api/v1/jobs/{}/cancel", id))).at("state"),
            "succeeded");
  const Answer events = ada.get(fmt::format("/api/v1/jobs/{}/events", id));
  EXPECT_THAT(events.body, HasSubstr("event: job\ndata: {"));
  EXPECT_THAT(events.body, HasSubstr("\"succeeded\""));
  EXPECT_EQ(ada.get("/api/v1/packs").status, 200);
  EXPECT_EQ(ada.get("/api/v1/packs/default").status, 404) << "no pack folder in this test";
}

TEST_F(ApiTest, RecommendsAKnownPackThatDoesBetterThanTheOneInUse) {
  ApiClient ada = signed_up("ada");
  const std::string path = "/api/v1/packs/recommendation";
  EXPECT_TRUE(body_of(ada.get(path)).at("recommendation").is_null()) << "nobody measured it";
  packs::Card card = *packs::find_known_card("faceapi");
  card.id = "colour";  // of the engine of these tests
  const auto own = folder.path() / "packs" / card.id;
  std::filesystem::create_directories(own);
  ASSERT_TRUE(packs::write_card(card, own));
  const json::object made = body_of(ada.get(path)).at("recommendation").as_object();
  EXPECT_EQ(made.at("in_use"), "colour");
  EXPECT_THAT(std::string(made.at("summary").as_string()), HasSubstr(card.id));
  const json::object first = made.at("packs").at(0).as_object();
  EXPECT_EQ(first.at("embedding_length"), 512);
  EXPECT_EQ(first.at("licence").at("kind"), "permissive");
  EXPECT_EQ(first.at("command"), "faceforge packs install DIR");
}

TEST_F(ApiTest, SaysOfWhichPackAPackOnBytesWasMade) {
  ApiClient ada = signed_up("ada");
  packs::Card card = *packs::find_known_card("faceapi");
  card.id = "colour";  // of the engine of these tests
  const auto own = folder.path() / "packs" / card.id;
  std::filesystem::create_directories(own);
  const auto write = [&] { ASSERT_TRUE(packs::write_card(card, own)); };
  const auto quantization = [&] {
    return body_of(ada.get("/api/v1/packs/default")).at("quantization");
  };
  write();
  EXPECT_TRUE(quantization().is_null());
  const face::ModelId parent(std::string(64, 'a'));
  card.quantization = {.parent_id = "faceapi",
                       .parent_model_id = parent,
                       .faceforge_version = "1.0.0",
                       .range_photo_count = 128,
                       .held_out_photo_count = 64,
                       .mean_cosine = 0.995,
                       .networks = {{.file = card.files.front().path, .layer_count = 1}}};
  write();
  const json::object expected{
      {"parent_id", "faceapi"}, {"parent_model_id", parent.hex()}, {"mean_cosine", 0.995}};
  EXPECT_EQ(quantization(), expected);
}

TEST_F(ApiTest, AnswersForLoadBalancersAndForBrowsers) {
  ApiClient nobody = client();
  EXPECT_EQ(nobody.get("/healthz").body, R"({"status":"ok"})");
  EXPECT_EQ(nobody.get("/readyz").status, 200);
  const Answer page = nobody.get("/galleries/3");
  EXPECT_EQ(page.body, "<html>pages</html>");
  EXPECT_THAT(page.header("Content-Security-Policy"), HasSubstr("script-src 'self';"));
  EXPECT_EQ(page.header("X-Frame-Options"), "DENY");
  EXPECT_EQ(page.header("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(nobody.get("/missing.js").status, 404);
  EXPECT_EQ(nobody.send("POST", "/galleries/3").status, 405);
  const Answer unknown = nobody.get("/api/v1/unknown");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(reason_of(unknown), "route_unknown");
  const Answer wrong_method = nobody.send("PUT", "/api/v1/galleries");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.header("Allow"), "GET, HEAD, POST");
  RawClient without_host(server->port());
  without_host.send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_EQ(without_host.receive()->status, 400);
}

TEST_F(ApiTest, IsNotReadyWithoutAPackOrADatabase) {
  const auto expect_unready = [](const Answer& answer, std::string_view reason) {
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(reason_of(answer), reason);
    EXPECT_NE(answer.header("Retry-After"), "");
  };
  // Removed before anyone has read from it.
  const auto file = folder.path() / "removed" / "test.db";
  const auto removed = store::Database::open({.location = file.string()});
  ASSERT_TRUE(removed) << removed.error().message;
  std::filesystem::remove_all(file.parent_path());
  serve(services(**removed));
  expect_unready(client().get("/readyz"), "database_unready");
  EXPECT_EQ(client().get("/healthz").status, 200) << "it runs";
  serve(services(*database));
  EXPECT_EQ(client().get("/readyz").status, 200);
  recognition->use_engines(nullptr);
  expect_unready(client().get("/readyz"), "no_pack");
}

TEST_F(ApiTest, ServesManyUsersAtOnce) {
  std::vector<std::jthread> users;
  std::atomic<int> failures = 0;
  for (int user = 0; user < 6; ++user) {
    users.emplace_back([&, user] {
      ApiClient client = signed_up(fmt::format("user{}", user));
      const Filled filled = fill(client);
      if (train(client, filled.gallery).at("state") != "succeeded") ++failures;
      for (int round = 0; round < 5; ++round) {
        const Answer answer =
            client.post_form(fmt::format("/api/v1/galleries/{}/identify", filled.gallery),
                             {{"photo", "who.png", picture(kGreen, round)}});
        if (answer.status != 200 || !answer.body.contains("\"Bob\"")) ++failures;
      }
    });
  }
  users.clear();
  EXPECT_EQ(failures, 0);
}

TEST_F(ApiTest, LogsOneLineARequestWithoutNamesOrTokens) {
  testing::internal::CaptureStderr();
  ApiClient ada = signed_up("ada-of-the-log");
  const Filled filled = fill(ada);
  ada.post_form(fmt::format("/api/v1/galleries/{}/people/{}/photos", filled.gallery, filled.ada),
                {{"photo", "secret-file-name.png", picture(kRed, 77)}});
  ada.get("/api/v1/galleries?cursor=secret-cursor");
  ada.get("/secret-path");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr(" POST /api/v1/auth/signup 201 "));
  EXPECT_THAT(log,
              HasSubstr(" POST /api/v1/galleries/{gallery_id}/people/{person_id}/photos 200 "));
  for (const std::string& secret : {std::string("secret"), std::string("ada-of"), ada.csrf_token,
                                    ada.cookie.substr(ada.cookie.find('=') + 1)}) {
    EXPECT_THAT(log, Not(HasSubstr(secret)));
  }
}

}  // namespace
}  // namespace faceforge::http::test
