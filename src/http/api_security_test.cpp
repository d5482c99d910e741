// Walks the route table, so that a route that is added is tried too.

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/api_test_support.h"
#include "http/routes.h"

namespace faceforge::http::test {
namespace {

/// The path of a route with these ids; verify, which asks for a person, asks for Ada.
std::string path_with(const Route& route, const std::map<std::string, int64_t>& ids) {
  std::string path(route.pattern);
  for (const auto& [name, id] : ids) {
    const std::string braced = "{" + name + "}";
    if (const size_t at = path.find(braced); at != std::string::npos) {
      path.replace(at, braced.size(), std::to_string(id));
    }
  }
  if (path.ends_with("/verify")) path += fmt::format("?person_id={}", ids.at("person_id"));
  return path;
}

/// What a route with a JSON body takes; the ids are Ada's.
std::string_view body_for(const Route& route) {
  if (route.pattern.ends_with("/moved-photos")) return R"({"photo_ids":[1]})";
  if (route.pattern.ends_with("/moved-back-photos")) {
    return R"({"photo_ids":[1],"from_person_id":2,"merge_if_emptied":true})";
  }
  if (route.pattern.ends_with("/unmerged-people")) {
    return R"({"name":"Changed","photo_ids":[1],"sighting_ids":[]})";
  }
  if (route.pattern.ends_with("/merged-people")) return R"({"person_id":2})";
  if (route.pattern.ends_with("/version-in-use")) return R"({"number":1})";
  if (route.pattern.ends_with("/recording")) return R"({"is_on":false,"kept_days":1})";
  if (route.pattern.ends_with("/unknown-faces")) return R"({"face_ids":[1]})";
  if (route.pattern.ends_with("/unnamed-faces")) return R"({"face_ids":[1]})";
  if (route.pattern.ends_with("/named-faces")) return R"({"face_ids":[1],"person_id":1})";
  return R"({"name":"Changed"})";
}

/// Asks a route in a way that it takes, if it lets the client.
Answer ask(ApiClient& client, const Route& route, const std::string& path) {
  const std::string_view method = to_string(route.method);
  if (route.body_limit_bytes > size_t{1} << 20) {
    if (path.contains("/compare")) {
      return client.post_form(path, {{"photo_a", "a.png", picture(kRed, 900)},
                                     {"photo_b", "b.png", picture(kRed, 901)}});
    }
    return client.post_form(path, {{"photo", "a.png", picture(kRed, 900)}});
  }
  if (route.body_limit_bytes > 0) {
    return client.send(method, path, "application/json", body_for(route));
  }
  if (route.lane == Lane::Sockets) {
    client.fields["Origin"] = client.own_origin();
    const Answer answer = client.send(method, path);
    client.fields.erase("Origin");
    return answer;
  }
  return client.send(method, path);
}

class ApiSecurityTest : public ApiTest {
 protected:
  ApiSecurityTest() : ada(signed_up("ada")) {
    const Filled filled = fill(ada);
    const json::object job = train(ada, filled.gallery);
    const Answer key = ada.post("/api/v1/me/api-keys",
                                json::object{{"name", "k"}, {"scopes", json::array{"read"}}});
    const json::object sessions = body_of(ada.get("/api/v1/me/sessions"));
    ids = {{"session_id", sessions.at("sessions").at(0).at("id").as_int64()},
           {"gallery_id", filled.gallery},
           {"person_id", filled.ada},
           {"photo_id", filled.photo_of_ada},
           {"version", 1},
           {"face_id", keep_unknown_face(ada, filled.gallery)},
           {"job_id", job.at("id").as_int64()},
           {"api_key_id", id_of(key)}};
  }

  /// What a user sees, to tell whether anything changed.
  static std::string what_is_there(ApiClient& owner, int64_t gallery_id) {
    const std::string gallery = fmt::format("/api/v1/galleries/{}", gallery_id);
    std::string all = owner.get("/api/v1/galleries").body + owner.get(gallery + "/people").body +
                      owner.get(gallery + "/versions").body +
                      owner.get(gallery + "/versions/1").body + owner.get("/api/v1/me").body +
                      owner.get(gallery + "/sightings").body +
                      owner.get(gallery + "/unknown-faces").body + owner.get("/api/v1/jobs").body;
    const json::object people = body_of(owner.get(gallery + "/people"));
    for (const auto& person : people.at("people").as_array()) {
      const int64_t id = person.at("id").as_int64();
      all += owner.get(fmt::format("{}/people/{}/photos", gallery, id)).body;
    }
    return all;
  }
  std::string what_ada_has() { return what_is_there(ada, ids["gallery_id"]); }

  ApiClient ada;
  std::map<std::string, int64_t> ids;
};

TEST_F(ApiSecurityTest, NothingIsThereForSomeoneElse) {
  ApiClient eve = signed_up("eve");
  const std::string before = what_ada_has();
  int tried = 0;
  for (const Route& route : routes()) {
    if (!route.pattern.contains('{')) continue;
    const std::string path = path_with(route, ids);
    const Answer answer = ask(eve, route, path);
    EXPECT_EQ(answer.status, 404) << to_string(route.method) << " " << path << ": " << answer.body;
    ++tried;
  }
  EXPECT_GE(tried, 25);
  EXPECT_EQ(what_ada_has(), before);
}

TEST_F(ApiSecurityTest, NothingOfSomeoneElseIsFoundBeneathWhatIsOnesOwn) {
  ApiClient eve = signed_up("eve");
  const Filled filled = fill(eve);
  train(eve, filled.gallery);
  train(ada, ids["gallery_id"]);
  std::map<std::string, int64_t> of_ada = ids;
  of_ada["version"] = 2;  // a number that Eve's gallery does not have
  std::map<std::string, int64_t> of_eve = ids;
  of_eve["gallery_id"] = filled.gallery;
  of_eve["person_id"] = filled.ada;
  of_eve["photo_id"] = filled.photo_of_ada;
  of_eve["face_id"] = keep_unknown_face(eve, filled.gallery);
  ASSERT_EQ(ada.get(fmt::format("/api/v1/galleries/{}/versions/2", ids["gallery_id"])).status, 200);
  const std::string adas = what_ada_has();
  const std::string eves = what_is_there(eve, filled.gallery);
  int tried = 0;
  for (const Route& route : routes()) {
    std::vector<std::string> names;
    for (const auto& [name, id] : ids) {
      const bool is_verify = route.pattern.ends_with("/verify") && name == "person_id";
      if (route.pattern.contains("{" + name + "}") || is_verify) names.push_back(name);
    }
    if (names.size() < 2) continue;
    // Every mixture of their ids but the one that is all Eve's own.
    for (size_t mixture = 1; mixture < (size_t{1} << names.size()); ++mixture) {
      std::map<std::string, int64_t> mixed = of_eve;
      for (size_t i = 0; i < names.size(); ++i) {
        if ((mixture >> i & 1) != 0) mixed[names[i]] = of_ada[names[i]];
      }
      const std::string path = path_with(route, mixed);
      const Answer answer = ask(eve, route, path);
      EXPECT_EQ(answer.status, 404)
          << to_string(route.method) << " " << path << ": " << answer.body;
      ++tried;
    }
  }
  EXPECT_GE(tried, 45);
  EXPECT_EQ(what_ada_has(), adas);
  EXPECT_EQ(what_is_there(eve, filled.gallery), eves);
}

TEST_F(ApiSecurityTest, WhatABodyNamesIsOfTheSameGallery) {
  ApiClient eve = signed_up("eve");
  const Filled filled = fill(eve);
  const int64_t other = id_of(eve.post("/api/v1/galleries", json::object{{"name", "Other"}}));
  const int64_t of_other = id_of(
      eve.post(fmt::format("/api/v1/galleries/{}/people", other), json::object{{"name", "Ann"}}));
  const std::string people = fmt::format("/api/v1/galleries/{}/people", filled.gallery);
  const std::string elsewhere = fmt::format("/api/v1/galleries/{}/people", other);
  const std::string adas = what_ada_has();
  const std::string eves = what_is_there(eve, filled.gallery);
  const auto reason = [&](const std::string& path, const json::object& body) {
    return reason_of(eve.post(path, body));
  };
  const json::array photo_of_ada{ids["photo_id"]};
  const json::array own_photo{filled.photo_of_ada};
  const std::string person = fmt::format("{}/{}", people, filled.ada);
  const std::string there = fmt::format("{}/{}", elsewhere, of_other);
  // Ada's, and Eve's own of another gallery.
  EXPECT_EQ(reason(person + "/moved-photos", {{"photo_ids", photo_of_ada}}), "photo_not_found");
  EXPECT_EQ(reason(there + "/moved-photos", {{"photo_ids", own_photo}}), "photo_not_found");
  EXPECT_EQ(reason(people, {{"name", "New"}, {"photo_ids", photo_of_ada}}), "photo_not_found");
  EXPECT_EQ(reason(elsewhere, {{"name", "New"}, {"photo_ids", own_photo}}), "photo_not_found");
  EXPECT_EQ(reason(person + "/merged-people", {{"person_id", ids["person_id"]}}),
            "person_not_found");
  EXPECT_EQ(reason(person + "/merged-people", {{"person_id", of_other}}), "person_not_found");
  const json::object back{{"photo_ids", photo_of_ada},
                          {"from_person_id", ids["person_id"]},
                          {"merge_if_emptied", true}};
  EXPECT_EQ(body_of(eve.post(person + "/moved-back-photos", back)).at("photo_ids"), json::array());
  const json::object unmerged{
      {"name", "New"}, {"photo_ids", photo_of_ada}, {"sighting_ids", json::array()}};
  EXPECT_TRUE(body_of(eve.post(person + "/unmerged-people", unmerged)).at("person").is_null());
  EXPECT_EQ(what_ada_has(), adas);
  EXPECT_EQ(what_is_there(eve, filled.gallery), eves);
}

TEST_F(ApiSecurityTest, AForeignIdLooksLikeOneThatDoesNotExist) {
  ApiClient eve = signed_up("eve");
  std::map<std::string, int64_t> nowhere;
  for (const auto& [name, id] : ids) nowhere[name] = 99'999;
  for (const Route& route : routes()) {
    if (!route.pattern.contains('{')) continue;
    const Answer foreign = ask(eve, route, path_with(route, ids));
    const Answer missing = ask(eve, route, path_with(route, nowhere));
    EXPECT_EQ(reason_of(foreign), reason_of(missing)) << route.pattern;
    EXPECT_EQ(foreign.status, missing.status) << route.pattern;
  }
}

TEST_F(ApiSecurityTest, ItsOwnerFindsWhatSomeoneElseDoesNot) {
  for (const Route& route : routes()) {
    if (!is_safe(route.method)) continue;
    if (route.pattern == "/api/v1/packs/default") continue;  // no pack folder in this test
    // Not asked to become a WebSocket, which is what a socket's route answers once all is well.
    const int wanted = route.lane == Lane::Sockets ? 426 : 200;
    EXPECT_EQ(ask(ada, route, path_with(route, ids)).status, wanted) << route.pattern;
  }
}

TEST_F(ApiSecurityTest, NothingIsThereWithoutLoggingIn) {
  const std::string before = what_ada_has();
  for (const Route& route : routes()) {
    if (route.access == Access::Anyone) continue;
    SCOPED_TRACE(fmt::format("{} {}", to_string(route.method), route.pattern));
    ApiClient nobody = client();
    const Answer answer = ask(nobody, route, path_with(route, ids));
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(reason_of(answer), "login_required");
    nobody.cookie = "faceforge_session=" + std::string(43, 'x');
    nobody.csrf_token = ada.csrf_token;
    EXPECT_EQ(ask(nobody, route, path_with(route, ids)).status, 401);
    ApiClient with_key = client();
    with_key.fields["Authorization"] = "Bearer " + std::string(43, 'x');
    EXPECT_EQ(ask(with_key, route, path_with(route, ids)).status, 401);
  }
  EXPECT_EQ(what_ada_has(), before);
}

TEST_F(ApiSecurityTest, NothingChangesWithoutTheTokenOfTheSession) {
  const std::string before = what_ada_has();
  int tried = 0;
  for (const Route& route : routes()) {
    if (is_safe(route.method) || route.access == Access::Anyone) continue;
    SCOPED_TRACE(fmt::format("{} {}", to_string(route.method), route.pattern));
    for (const std::string& token : {std::string(), std::string(43, 'x')}) {
      ApiClient forged = ada;
      forged.csrf_token = token;
      const Answer answer = ask(forged, route, path_with(route, ids));
      EXPECT_EQ(answer.status, 403);
      EXPECT_EQ(reason_of(answer), "csrf_token_wrong");
    }
    ++tried;
  }
  EXPECT_GE(tried, 15);
  EXPECT_EQ(what_ada_has(), before);
}

TEST_F(ApiSecurityTest, NothingChangesForThePagesOfAnotherSite) {
  const std::string before = what_ada_has();
  for (const Route& route : routes()) {
    if (is_safe(route.method)) continue;
    SCOPED_TRACE(fmt::format("{} {}", to_string(route.method), route.pattern));
    for (const auto& [name, value] : std::map<std::string, std::string>{
             {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}}) {
      ApiClient forged = ada;
      forged.fields[name] = value;
      const Answer answer = ask(forged, route, path_with(route, ids));
      EXPECT_EQ(answer.status, 403);
      EXPECT_EQ(reason_of(answer), "cross_origin");
    }
  }
  EXPECT_EQ(what_ada_has(), before);
  ApiClient own_page = ada;
  own_page.fields["Origin"] = fmt::format("http://127.0.0.1:{}", server->port());
  own_page.fields["Sec-Fetch-Site"] = "same-origin";
  EXPECT_EQ(own_page.post("/api/v1/galleries", json::object{{"name", "New"}}).status, 201);
}

TEST_F(ApiSecurityTest, AKeyDoesOnlyWhatItsScopesSay) {
  const std::map<std::string, std::set<Access>> allowed{
      {"read", {Access::Read}}, {"recognize", {Access::Recognize}}, {"manage", {Access::Manage}}};
  for (const auto& [scope, accesses] : allowed) {
    ApiClient with_key = client();
    const Answer key = ada.post("/api/v1/me/api-keys",
                                json::object{{"name", scope}, {"scopes", json::array{scope}}});
    with_key.fields["Authorization"] = "Bearer " + std::string(body_of(key).at("key").as_string());
    for (const Route& route : routes()) {
      if (route.access == Access::Anyone || accesses.contains(route.access)) continue;
      const Answer answer = ask(with_key, route, path_with(route, ids));
      EXPECT_EQ(answer.status, 403) << scope << " " << route.pattern;
      EXPECT_EQ(reason_of(answer), "scope_missing") << scope << " " << route.pattern;
    }
  }
}

TEST_F(ApiSecurityTest, EveryAnswerOfTheApiForbidsSharedCachingAndSniffing) {
  for (const Route& route : routes()) {
    if (!is_safe(route.method)) continue;
    const Answer answer = ask(ada, route, path_with(route, ids));
    // A browser may keep a crop for itself, if it asks before it shows it again.
    EXPECT_EQ(answer.header("Cache-Control"),
              route.pattern.ends_with("/crop") ? "private, no-cache" : "no-store")
        << route.pattern;
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << route.pattern;
    EXPECT_EQ(answer.header("Content-Security-Policy"),
              "default-src 'none'; frame-ancestors 'none'")
        << route.pattern;
  }
}

}  // namespace
}  // namespace faceforge::http::test
