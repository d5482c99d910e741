// Walks the route table, so that a route that is added is tried too.

#include <set>

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
    return client.send(method, path, "application/json", R"({"name":"Changed"})");
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
    ids = {{"gallery_id", filled.gallery},      {"person_id", filled.ada},
           {"photo_id", filled.photo_of_ada},   {"version", 1},
           {"job_id", job.at("id").as_int64()}, {"api_key_id", id_of(key)}};
  }

  /// What Ada would see, to tell whether anything changed.
  std::string what_ada_has() {
    const std::string gallery = fmt::format("/api/v1/galleries/{}", ids["gallery_id"]);
    std::string all = ada.get("/api/v1/galleries").body + ada.get(gallery + "/people").body +
                      ada.get(gallery + "/versions/1").body + ada.get("/api/v1/me").body +
                      ada.get("/api/v1/jobs").body;
    const json::object people = body_of(ada.get(gallery + "/people"));
    for (const auto& person : people.at("people").as_array()) {
      all += ada.get(fmt::format("{}/people/{}/photos", gallery, person.at("id").as_int64())).body;
    }
    return all;
  }

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
    EXPECT_EQ(ask(ada, route, path_with(route, ids)).status, 200) << route.pattern;
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

TEST_F(ApiSecurityTest, EveryAnswerOfTheApiForbidsCachingAndSniffing) {
  for (const Route& route : routes()) {
    if (!is_safe(route.method)) continue;
    const Answer answer = ask(ada, route, path_with(route, ids));
    EXPECT_EQ(answer.header("Cache-Control"), "no-store") << route.pattern;
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << route.pattern;
    EXPECT_EQ(answer.header("Content-Security-Policy"),
              "default-src 'none'; frame-ancestors 'none'")
        << route.pattern;
  }
}

}  // namespace
}  // namespace faceforge::http::test
