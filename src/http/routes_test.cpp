#include "http/routes.h"

#include <cerrno>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "base/file.h"
#include "base/json.h"
#include "gallery/match_policy.h"
#include "http/error_response.h"
#include "support/test_data.h"

namespace faceforge::http {
namespace {

using testing::Contains;
using testing::Not;
using testing::StartsWith;

struct Operation {
  YAML::Node described;
  YAML::Node path;  ///< what all operations of the path share
};

YAML::Node openapi() {
  return YAML::LoadFile(test::source_folder().string() + "/src/http/openapi.yaml");
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// By `GET /api/v1/jobs`.
std::map<std::string, Operation> described_operations(const YAML::Node& document) {
  std::map<std::string, Operation> operations;
  for (const auto& path : document["paths"]) {
    for (const auto& entry : path.second) {
      const auto method = entry.first.as<std::string>();
      if (method == "parameters") continue;
      operations[upper(method) + " " + path.first.as<std::string>()] = {entry.second, path.second};
    }
  }
  return operations;
}

std::string name_of(const Route& route) {
  return fmt::format("{} {}", to_string(route.method), route.pattern);
}

std::set<std::string> statuses(const Operation& operation) {
  std::set<std::string> found;
  for (const auto& response : operation.described["responses"]) {
    found.insert(response.first.as<std::string>());
  }
  return found;
}

std::set<std::string> references_to_parameters(const Operation& operation) {
  std::set<std::string> found;
  const YAML::Node parameters = operation.described["parameters"];
  if (!parameters.IsDefined()) return found;
  for (const auto& parameter : parameters) {
    if (parameter["$ref"]) found.insert(parameter["$ref"].as<std::string>());
  }
  return found;
}

std::vector<std::string> segments(std::string_view path) {
  return parse_target(path).value().segments;
}

TEST(Routes, AreDescribedAndEverythingDescribedIsARoute) {
  const YAML::Node document = openapi();
  std::set<std::string> described;
  for (const auto& [name, operation] : described_operations(document)) described.insert(name);
  std::set<std::string> declared;
  for (const Route& route : routes()) {
    EXPECT_TRUE(declared.insert(name_of(route)).second) << name_of(route) << " is there twice";
  }
  EXPECT_EQ(declared, described);
}

TEST(Routes, AskForTheAccessThatIsDescribed) {
  const YAML::Node document = openapi();
  const auto described = described_operations(document);
  for (const Route& route : routes()) {
    SCOPED_TRACE(name_of(route));
    const Operation& operation = described.at(name_of(route));
    EXPECT_EQ(operation.described["x-access"].as<std::string>(), to_string(route.access));
    const YAML::Node security = operation.described["security"];
    if (route.access == Access::Anyone) {
      ASSERT_TRUE(security);
      EXPECT_EQ(security.size(), 0U);
    } else if (route.access == Access::Account) {
      ASSERT_TRUE(security);
      ASSERT_EQ(security.size(), 1U);
      EXPECT_TRUE(security[0]["session"]);
    } else {
      EXPECT_FALSE(security) << "session or key: the document's own default";
    }
  }
}

TEST(Routes, HaveTheBodiesAndRefusalsThatAreDescribed) {
  const YAML::Node document = openapi();
  const auto described = described_operations(document);
  for (const Route& route : routes()) {
    SCOPED_TRACE(name_of(route));
    const Operation& operation = described.at(name_of(route));
    EXPECT_EQ(bool(operation.described["requestBody"]), route.body_limit_bytes > 0);
    const auto answers = statuses(operation);
    const auto parameters = references_to_parameters(operation);
    if (route.body_limit_bytes > 0) {
      EXPECT_THAT(answers, Contains("400"));
    }
    if (route.body_limit_bytes > 0) {
      EXPECT_THAT(answers, Contains("413"));
      EXPECT_THAT(answers, Contains("415"));
    }
    if (route.lane != Lane::AtOnce) {
      EXPECT_THAT(answers, Contains("503")) << "a lane may be full, a database away";
    }
    if (!is_safe(route.method)) {
      EXPECT_THAT(answers, Contains("507")) << "what changes something needs room for it";
    }
    if (route.access != Access::Anyone) {
      EXPECT_THAT(answers, Contains("401"));
      if (!is_safe(route.method)) {
        EXPECT_THAT(answers, Contains("403"));
        EXPECT_THAT(parameters, Contains("#/components/parameters/CsrfToken"));
      }
    }
    const auto id_count = std::ranges::count(route.pattern, '{');
    const YAML::Node ids = operation.path["parameters"];
    EXPECT_EQ(static_cast<size_t>(id_count), ids.IsDefined() ? ids.size() : 0);
    if (id_count > 0) {
      EXPECT_THAT(answers, Contains("404"));
    }
  }
}

TEST(Routes, TakeTheRatesThatAreDescribed) {
  const YAML::Node document = openapi();
  const YAML::Node shared = document["components"]["parameters"]["FalseMatchRate"]["schema"];
  EXPECT_EQ(shared["minimum"].as<double>(), gallery::kMinRate);
  EXPECT_EQ(shared["maximum"].as<double>(), gallery::kMaxRate);
  const YAML::Node identify =
      document["paths"]["/api/v1/galleries/{gallery_id}/identify"]["post"]["parameters"];
  int found = 0;
  for (const auto& parameter : identify) {
    if (!parameter["name"] ||
        parameter["name"].as<std::string>() != "false_positive_identification_rate") {
      continue;
    }
    ++found;
    EXPECT_EQ(parameter["schema"]["minimum"].as<double>(), gallery::kMinRate);
    EXPECT_EQ(parameter["schema"]["maximum"].as<double>(), gallery::kMaxRate);
  }
  EXPECT_EQ(found, 1);
}

TEST(Routes, LeaveTheNamesOfACompatibleApiFree) {
  for (const Route& route : routes()) {
    for (const char* reserved : {"recognition", "detection", "verification", "static", "config"}) {
      EXPECT_THAT(std::string(route.pattern), Not(StartsWith(fmt::format("/api/v1/{}", reserved))));
    }
  }
}

TEST(Routes, AreFoundWithTheirIds) {
  const auto found =
      find_route(Method::Get, segments("/api/v1/galleries/7/people/42/photos/9/image"));
  const auto* match = std::get_if<RouteMatch>(&found);
  ASSERT_NE(match, nullptr);
  EXPECT_EQ(match->route->pattern,
            "/api/v1/galleries/{gallery_id}/people/{person_id}/photos/{photo_id}/image");
  EXPECT_EQ(match->ids.at("gallery_id"), 7);
  EXPECT_EQ(match->ids.at("person_id"), 42);
  EXPECT_EQ(match->ids.at("photo_id"), 9);
}

TEST(Routes, AnswerHeadWhereTheyAnswerGet) {
  const auto found = find_route(Method::Head, segments("/healthz"));
  EXPECT_TRUE(std::holds_alternative<RouteMatch>(found));
  EXPECT_TRUE(std::holds_alternative<WrongMethod>(
      find_route(Method::Head, segments("/api/v1/auth/login"))));
}

TEST(Routes, SayWhichMethodsAnAddressTakes) {
  const auto found = find_route(Method::Put, segments("/api/v1/galleries/7"));
  const auto* wrong = std::get_if<WrongMethod>(&found);
  ASSERT_NE(wrong, nullptr);
  EXPECT_EQ(wrong->allowed, "GET, HEAD, PATCH, DELETE");
}

TEST(Routes, KnowNoOtherAddress) {
  for (const char* path : {"/", "/api/v1", "/api/v1/", "/api/v1/galleries/", "/api/v1/galleries/0",
                           "/api/v1/galleries/-1", "/api/v1/galleries/01", "/api/v1/galleries/1a",
                           "/api/v1/galleries/+1", "/api/v1/galleries/9223372036854775808",
                           "/api/v1/galleries/1/people/2/photos/3/image/4", "/API/v1/galleries",
                           "/api/v1/galleries/%7Bgallery_id%7D"}) {
    EXPECT_TRUE(std::holds_alternative<NoSuchPath>(find_route(Method::Get, segments(path))))
        << path;
  }
}

TEST(Target, IsTakenApartAndDecoded) {
  const Target target = parse_target("/a%2Fb/c?name=J%C3%BCrgen%20%26&limit=5").value();
  EXPECT_THAT(target.segments, testing::ElementsAre("a/b", "c"));
  EXPECT_EQ(target.query.text("name"), "J\xc3\xbcrgen &");
  EXPECT_EQ(target.query.integer("limit", 1, 10).value(), 5);
  EXPECT_EQ(target.query.integer("other", 1, 10).value(), std::nullopt);
}

TEST(Target, RefusesWhatIsNoAddress) {
  for (const std::string& text :
       {std::string("nonsense"), std::string("http://a/b"), std::string("/a%zz"), std::string("*"),
        std::string("/a%00b"), std::string("/?a=%00"), std::string("/a b"), std::string("")}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += "/a";
  EXPECT_EQ(parse_target(deep).error().reason, "target_malformed");
}

TEST(Query, ChecksNamesAndValues) {
  const Query query = parse_target("/?limit=5&cursor=x&cursor=y&rate=0.01&nan=nan").value().query;
  EXPECT_EQ(query.allow({"limit", "rate", "nan"}).error().reason, "query_parameter_unknown");
  EXPECT_EQ(query.allow({"limit", "cursor", "rate", "nan"}).error().reason,
            "query_parameter_repeated");
  EXPECT_EQ(query.integer("limit", 1, 4).error().reason, "query_parameter_invalid");
  EXPECT_EQ(query.integer("cursor", 1, 4).error().reason, "query_parameter_invalid");
  EXPECT_EQ(query.number("rate").value(), 0.01);
  EXPECT_EQ(query.number("nan").error().reason, "query_parameter_invalid");
  EXPECT_EQ(query.number("cursor").error().reason, "query_parameter_invalid");
}

TEST(Query, ReadsSoManyNumbersAndNothingElse) {
  const auto numbers = [](std::string_view written) {
    return parse_target(fmt::format("/?box={}", written)).value().query.numbers("box", 3);
  };
  EXPECT_EQ(*numbers("1,-2.5,3e1").value(), (std::vector<double>{1, -2.5, 30}));
  EXPECT_EQ(Query().numbers("box", 3).value(), std::nullopt);
  for (const char* bad : {"", "1,2", "1,2,3,4", "1,2,3,", ",1,2", "1,2,x", "1,2,inf", "1;2;3"}) {
    EXPECT_EQ(numbers(bad).error().reason, "query_parameter_invalid") << bad;
  }
}

TEST(ErrorResponse, HasOneStatusForEveryCode) {
  const auto status = [](ErrorCode code, std::string reason = "any") {
    return status_of({code, std::move(reason), ""});
  };
  EXPECT_EQ(status(ErrorCode::InvalidInput), 400);
  EXPECT_EQ(status(ErrorCode::Unauthenticated), 401);
  EXPECT_EQ(status(ErrorCode::Forbidden), 403);
  EXPECT_EQ(status(ErrorCode::NotFound), 404);
  EXPECT_EQ(status(ErrorCode::AlreadyExists), 409);
  EXPECT_EQ(status(ErrorCode::Conflict), 409);
  EXPECT_EQ(status(ErrorCode::Cancelled), 409);
  EXPECT_EQ(status(ErrorCode::TooLarge), 413);
  EXPECT_EQ(status(ErrorCode::Unsupported), 415);
  EXPECT_EQ(status(ErrorCode::Busy), 503);
  EXPECT_EQ(status(ErrorCode::Busy, "login_throttled"), 429);
  EXPECT_EQ(status(ErrorCode::Busy, "sign_up_throttled"), 429);
  EXPECT_EQ(status(ErrorCode::Exhausted), 507);
  EXPECT_EQ(status(ErrorCode::Corrupt), 500);
  EXPECT_EQ(status(ErrorCode::Internal), 500);
}

TEST(ErrorResponse, TellsClientsNothingAboutTheInsideOfTheServer) {
  const Response response =
      error_response({ErrorCode::Internal, "database_error", "near users: syntax error"});
  EXPECT_THAT(std::string(bytes_of(response.body)), testing::HasSubstr("database_error"));
  EXPECT_THAT(std::string(bytes_of(response.body)), Not(testing::HasSubstr("users")));
}

TEST(ErrorResponse, WhatTheDatabaseAndTheFilesFailWithIsTheServersOwnAndNamesNothing) {
  const std::string inside = "/srv/secret/photos/7/ab: connection to db.internal as root failed";
  struct Case {
    ErrorCode code;
    const char* reason;
    int status;
  };
  for (const Case& own :
       std::initializer_list<Case>{{ErrorCode::Busy, "database_unreachable", 503},
                                   {ErrorCode::Busy, "database_busy", 503},
                                   {ErrorCode::Exhausted, "database_full", 507},
                                   {ErrorCode::Forbidden, "database_read_only", 500},
                                   {ErrorCode::Corrupt, "database_corrupt", 500},
                                   {ErrorCode::Internal, "database_error", 500},
                                   {ErrorCode::InvalidInput, "constraint_violated", 500},
                                   {ErrorCode::AlreadyExists, "unique_violated", 409},
                                   {ErrorCode::TooLarge, "value_too_large", 413},
                                   {ErrorCode::Conflict, "commit_outcome_unknown", 409},
                                   {ErrorCode::NotFound, "blob_not_found", 404},
                                   {ErrorCode::TooLarge, "blob_too_large", 500},
                                   {ErrorCode::Corrupt, "blob_corrupt", 500},
                                   {ErrorCode::NotFound, "file_not_found", 500},
                                   {ErrorCode::Forbidden, "file_not_readable", 500},
                                   {ErrorCode::InvalidInput, "not_a_file", 500},
                                   {ErrorCode::TooLarge, "file_too_large", 500}}) {
    const Response response = error_response({own.code, own.reason, inside});
    EXPECT_EQ(response.status, own.status) << own.reason;
    EXPECT_THAT(std::string(bytes_of(response.body)), testing::HasSubstr(own.reason));
    EXPECT_THAT(std::string(bytes_of(response.body)), Not(testing::HasSubstr("secret")));
    EXPECT_THAT(json::to_text(to_json(Error{own.code, own.reason, inside})),
                Not(testing::HasSubstr("db.internal")))
        << "also within a job or the report of an upload";
  }
  for (const int error_number : {ENOSPC, EDQUOT, EACCES, EROFS, ENOENT, ENOTDIR, EIO, EMFILE}) {
    const Response response = error_response(file_error(error_number, "write", "/srv/secret"));
    EXPECT_GE(response.status, 500) << error_number;
    EXPECT_THAT(std::string(bytes_of(response.body)), Not(testing::HasSubstr("secret")));
  }
}

TEST(ErrorResponse, SaysHowLongToWait) {
  const Response response = error_response(
      {ErrorCode::Busy, "login_throttled", "too many failed attempts; try again in 37 s"});
  EXPECT_EQ(response.headers.find("Retry-After"), "37");
  EXPECT_TRUE(error_response({ErrorCode::Busy, "server_busy", ""}).headers.find("Retry-After"));
  EXPECT_EQ(error_response({ErrorCode::Busy, "recognition_busy",
                            "try again in 7 seconds: 64 photos are being looked at"})
                .headers.find("Retry-After"),
            "7");
}

TEST(JsonResponse, IsValidUtf8WhateverTheNamesInIt) {
  const Response response = json_response(200, json::object{{"id", "odd-\xff"}});
  EXPECT_EQ(bytes_of(response.body), "{\"id\":\"odd-\uFFFD\"}");
}

}  // namespace
}  // namespace faceforge::http
