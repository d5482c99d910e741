// The live socket as its clients see it: what it answers about frames, and when it ends.

#include <future>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "http/api_test_support.h"
#include "http/socket_client_test_support.h"
#include "http/transport.h"

namespace faceforge::http::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LiveTest : public ApiTest {
 protected:
  LiveTest() : ada_(signed_up("ada")), filled_(fill(ada_)) {
    EXPECT_EQ(train(ada_, filled_.gallery).at("state"), "succeeded");
    path_ = fmt::format("/api/v1/galleries/{}/live", filled_.gallery);
  }

  std::string own_page() const {
    return fmt::format("Cookie: {}\r\nOrigin: http://127.0.0.1:{}\r\n", ada_.cookie,
                       server->port());
  }

  /// A socket of Ada's that is open and ready.
  SocketClient opened(std::string_view query = "") {
    SocketClient socket(server->port());
    const Answer answer = socket.open(path_ + std::string(query), own_page());
    EXPECT_EQ(answer.status, 101) << answer.body;
    EXPECT_EQ(message(socket).at("type"), "ready");
    return socket;
  }

  static json::object message(SocketClient& socket) {
    const std::string text = socket.receive_text();
    record_message(text);
    const auto parsed = json::parse(text);
    EXPECT_TRUE(parsed && parsed->is_object()) << text;
    return parsed && parsed->is_object() ? parsed->get_object() : json::object{};
  }

  static json::object show(SocketClient& socket, uint32_t id, const std::string& file) {
    EXPECT_TRUE(socket.send(frame(id, file)));
    return message(socket);
  }

  static std::string reason(const json::object& error) {
    EXPECT_EQ(error.at("type"), "error");
    return std::string(error.at("error").at("reason").as_string());
  }

  ApiClient ada_;
  Filled filled_;
  std::string path_;
};

TEST_F(LiveTest, NamesAFaceOnceTheLooksAgree) {
  SocketClient socket = opened();
  for (uint32_t id = 1; id < 3; ++id) {
    const json::object result = show(socket, id, jpeg(kRed));
    EXPECT_EQ(result.at("faces").at(0).at("decision"), "undecided");
  }
  const json::object result = show(socket, 4'000'000'000, jpeg(kRed));
  EXPECT_EQ(result.at("type"), "result");
  EXPECT_EQ(result.at("frame_id"), 4'000'000'000);
  EXPECT_EQ(result.at("width_px"), 100);
  EXPECT_EQ(result.at("person_count"), 2);
  EXPECT_EQ(result.at("version"), 1);
  EXPECT_EQ(result.at("received_count"), 3);
  EXPECT_EQ(result.at("dropped_count"), 0);
  const json::object times = result.at("times").as_object();
  EXPECT_GE(times.at("total_ms").to_number<double>(), times.at("decode_ms").to_number<double>());
  ASSERT_THAT(result.at("faces").as_array(), SizeIs(1));
  const json::object face = result.at("faces").at(0).as_object();
  EXPECT_EQ(face.at("decision"), "match");
  EXPECT_EQ(face.at("person"), "Ada");
  EXPECT_EQ(face.at("track_id"), 1);
  const json::object nearest = face.at("candidates").at(0).as_object();
  EXPECT_EQ(nearest.at("person_id"), filled_.ada);
  EXPECT_GT(nearest.at("reference_photo_id").as_int64(), 0);
  EXPECT_GT(nearest.at("reference_similarity").to_number<double>(), 0.9);
}

TEST_F(LiveTest, AStrangerIsUnknownAndTheNearestIsShownAsSuch) {
  SocketClient socket = opened();
  json::object result;
  for (uint32_t id = 0; id < 3; ++id) result = show(socket, id, jpeg(kBlue));
  const json::object face = result.at("faces").at(0).as_object();
  EXPECT_EQ(face.at("decision"), "unknown");
  EXPECT_TRUE(face.at("person").is_null());
  EXPECT_THAT(face.at("candidates").as_array(), SizeIs(2));
  EXPECT_LT(face.at("similarity").to_number<double>(),
            result.at("match_threshold").to_number<double>());
}

TEST_F(LiveTest, TellsWhetherItIsRecordedFromTheNextSecondOn) {
  SocketClient socket(server->port());
  ASSERT_EQ(socket.open(path_, own_page()).status, 101);
  EXPECT_EQ(message(socket).at("is_recorded"), false);
  EXPECT_EQ(show(socket, 1, jpeg(kRed)).at("is_recorded"), false);
  EXPECT_EQ(ada_.send("PUT", fmt::format("/api/v1/galleries/{}/recording", filled_.gallery),
                      "application/json", R"({"is_on":true,"kept_days":7})")
                .status,
            200);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  EXPECT_EQ(show(socket, 2, jpeg(kRed)).at("is_recorded"), true);
  SocketClient other(server->port());
  ASSERT_EQ(other.open(path_, own_page()).status, 101);
  EXPECT_EQ(message(other).at("is_recorded"), true);
}

TEST_F(LiveTest, AFrameWithoutFacesHasAnEmptyList) {
  SocketClient socket = opened();
  EXPECT_THAT(show(socket, 1, jpeg(kBlack)).at("faces").as_array(), IsEmpty());
  EXPECT_THAT(show(socket, 2, jpeg(kWhite)).at("faces").as_array(), SizeIs(2));
}

TEST_F(LiveTest, TheRateMayBeChosen) {
  const auto threshold = [this](std::string_view query) {
    SocketClient socket = opened(query);
    return show(socket, 1, jpeg(kRed)).at("match_threshold").to_number<double>();
  };
  EXPECT_GT(threshold("?false_positive_identification_rate=0.0001"), threshold(""));
  SocketClient socket(server->port());
  EXPECT_EQ(socket.open(path_ + "?false_positive_identification_rate=2", own_page()).status, 400);
  SocketClient other(server->port());
  EXPECT_EQ(other.open(path_ + "?key=ffk_1", own_page()).status, 400) << "no key in an address";
}

TEST_F(LiveTest, ABadFrameIsAnErrorAndNotTheEnd) {
  SocketClient socket = opened();
  EXPECT_EQ(reason(show(socket, 7, "")), "frame_malformed");
  const json::object unsupported = show(socket, 8, picture(kRed));
  EXPECT_EQ(reason(unsupported), "frame_unsupported") << "a PNG";
  EXPECT_EQ(unsupported.at("frame_id"), 8);
  EXPECT_EQ(reason(show(socket, 9, jpeg(kRed).substr(0, 200))), "image_damaged");
  EXPECT_EQ(reason(show(socket, 10, jpeg(kRed, 2'000, 1'500))), "photo_too_large");
  EXPECT_EQ(show(socket, 11, jpeg(kRed)).at("type"), "result");
}

TEST_F(LiveTest, NothingButBadFramesIsTheEnd) {
  SocketClient socket = opened();
  for (uint32_t id = 0; id < 9; ++id) show(socket, id, "nonsense");
  show(socket, 9, jpeg(kRed));
  for (uint32_t id = 10; id < 20; ++id) EXPECT_EQ(show(socket, id, "nonsense").at("type"), "error");
  const auto close = socket.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "frames_unusable");
}

TEST_F(LiveTest, OnlyPagesOfThisServerOpenItWithACookie) {
  const auto status = [this](const std::string& fields, std::string_view reason) {
    SocketClient socket(server->port());
    Answer answer = socket.open(path_, fields);
    const size_t length = std::stoul("0" + answer.header("Content-Length"));
    answer.body = socket.connection().receive_exactly(length).value_or("");
    EXPECT_EQ(reason_of(answer), reason);
    return answer.status;
  };
  const std::string cookie = "Cookie: " + ada_.cookie + "\r\n";
  EXPECT_EQ(status("", "origin_missing"), 403);
  EXPECT_EQ(
      status(fmt::format("Origin: http://127.0.0.1:{}\r\n", server->port()), "login_required"),
      401);
  EXPECT_EQ(status(cookie, "origin_missing"), 403);
  EXPECT_EQ(status(cookie + "Origin: https://evil.example\r\n", "cross_origin"), 403);
  EXPECT_EQ(status(cookie + "Origin: null\r\n", "cross_origin"), 403);
  EXPECT_EQ(status(own_page() + "Sec-Fetch-Site: cross-site\r\n", "cross_origin"), 403);
}

TEST_F(LiveTest, AProgramOpensItWithAKeyThatMayRecognize) {
  const auto key = [this](const char* scope) {
    const Answer made = ada_.post("/api/v1/me/api-keys",
                                  json::object{{"name", scope}, {"scopes", json::array{scope}}});
    return "Authorization: Bearer " + std::string(body_of(made).at("key").as_string()) + "\r\n";
  };
  SocketClient socket(server->port());
  ASSERT_EQ(socket.open(path_, key("recognize")).status, 101);
  EXPECT_EQ(message(socket).at("type"), "ready");
  SocketClient other(server->port());
  EXPECT_EQ(other.open(path_, key("read")).status, 403);
}

TEST_F(LiveTest, APlainRequestIsToldToUpgrade) {
  EXPECT_EQ(ada_.get(path_).status, 403) << "also a plain one comes from a page";
  ada_.fields["Origin"] = fmt::format("http://127.0.0.1:{}", server->port());
  EXPECT_EQ(ada_.get(path_).status, 426);
  EXPECT_EQ(reason_of(ada_.get(path_)), "upgrade_required");
}

TEST_F(LiveTest, APageIsToldWhyItGotNoSocket) {
  const auto reason = [this](std::string_view site, const std::string& path) {
    ada_.fields["Sec-Fetch-Site"] = std::string(site);
    return reason_of(ada_.get(path));
  };
  EXPECT_EQ(reason("same-origin", path_), "upgrade_required") << "it may have one";
  EXPECT_EQ(reason("same-origin", "/api/v1/galleries/999/live"), "gallery_not_found");
  EXPECT_EQ(reason("none", path_), "origin_missing") << "an address that somebody typed";
  EXPECT_EQ(reason("same-site", path_), "cross_origin");
}

TEST_F(LiveTest, OnlyAGalleryOfOnesOwnThatIsTrainedIsWatched) {
  ApiClient bob = signed_up("bob");
  bob.fields["Origin"] = fmt::format("http://127.0.0.1:{}", server->port());
  EXPECT_EQ(bob.get(path_).status, 404);
  const int64_t empty = id_of(bob.post("/api/v1/galleries", json::object{{"name", "New"}}));
  const Answer untrained = bob.get(fmt::format("/api/v1/galleries/{}/live", empty));
  EXPECT_EQ(untrained.status, 409);
  EXPECT_EQ(reason_of(untrained), "gallery_not_trained");
}

TEST_F(LiveTest, LoggingOutEndsIt) {
  SocketClient socket = opened();
  EXPECT_EQ(show(socket, 1, jpeg(kRed)).at("type"), "result");
  EXPECT_EQ(ada_.send("POST", "/api/v1/auth/logout").status, 204);
  const auto begin = std::chrono::steady_clock::now();
  const auto close = socket.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "session_ended");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(2'000));
}

TEST_F(LiveTest, DeletingTheAccountEndsIt) {
  SocketClient socket = opened();
  EXPECT_EQ(ada_.send("DELETE", "/api/v1/me", "application/json",
                      json::to_text(json::object{{"password", ApiClient::kPassword}}))
                .status,
            204);
  EXPECT_EQ(socket.receive_close().reason, "session_ended");
}

TEST_F(LiveTest, DeletingTheGalleryEndsItWithinASecond) {
  SocketClient socket = opened();
  EXPECT_EQ(show(socket, 1, jpeg(kRed)).at("type"), "result");
  ada_.send("DELETE", fmt::format("/api/v1/galleries/{}", filled_.gallery));
  json::object answer;
  for (uint32_t id = 2; id < 30 && answer["type"] != "error"; ++id) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    answer = show(socket, id, jpeg(kRed));
  }
  EXPECT_EQ(reason(answer), "gallery_not_found");
  const auto close = socket.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "gallery_not_found");
}

TEST_F(LiveTest, DeletingTheGalleryEndsASilentSocketToo) {
  SocketClient socket = opened();
  ada_.send("DELETE", fmt::format("/api/v1/galleries/{}", filled_.gallery));
  const auto begin = std::chrono::steady_clock::now();
  const auto close = socket.receive_close();
  EXPECT_EQ(close.close_code, 1008);
  EXPECT_EQ(close.reason, "gallery_not_found");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(3'000));
}

TEST_F(LiveTest, TroubleWithEveryFrameIsLoggedOnceAndEndsTheSocket) {
  testing::internal::CaptureStderr();
  SocketClient socket = opened();
  for (uint32_t id = 0; id < 9; ++id) {
    EXPECT_EQ(reason(show(socket, id, jpeg(kGrey))), "embedding_not_finite");
  }
  EXPECT_EQ(show(socket, 9, jpeg(kBlack)).at("type"), "result");
  for (uint32_t id = 10; id < 20; ++id) show(socket, id, jpeg(kGrey));
  const auto close = socket.receive_close();
  EXPECT_EQ(close.close_code, 1011);
  EXPECT_EQ(close.reason, "answer_failed");
  const std::string log = testing::internal::GetCapturedStderr();
  const size_t first = log.find("embedding_not_finite");
  EXPECT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find("embedding_not_finite", first + 1), std::string::npos) << log;
}

TEST_F(LiveTest, NobodyWaitsForAPackAndFramesAreToldHowLongItTakes) {
  const auto use_version = [this](int number) {
    ApiClient again = client();
    std::tie(again.cookie, again.csrf_token) = std::tie(ada_.cookie, ada_.csrf_token);
    const auto path = fmt::format("/api/v1/galleries/{}/version-in-use", filled_.gallery);
    const auto body = json::to_text(json::object{{"number", number}});
    EXPECT_EQ(again.send("PUT", path, "application/json", body).status, 200);
  };
  recognition->use_engines(std::make_shared<ColourEngine>('d'));
  EXPECT_EQ(train(ada_, filled_.gallery).at("state"), "succeeded");
  std::promise<void> loaded;
  const auto load = [ready = loaded.get_future().share()](
                        const face::ModelId&,
                        const std::string&) -> Result<std::optional<recognition::Engines>> {
    ready.wait();
    return recognition::Engines(std::make_shared<ColourEngine>('d'));
  };
  const auto former =
      std::exchange(recognition, std::make_unique<recognition::Recognition>(
                                     *galleries, *scheduler, std::make_shared<ColourEngine>(),
                                     recognition::RecognitionLimits{}, load));
  serve(services(*database));
  const auto begin = std::chrono::steady_clock::now();
  for (size_t opening = 0; opening <= TransportLimits{}.socket_opening_threads; ++opening) {
    SocketClient refused(server->port());
    const Answer answer = refused.open(path_, own_page());
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.header("Retry-After"), "5");
  }
  use_version(1);
  SocketClient socket = opened();
  EXPECT_EQ(show(socket, 1, jpeg(kRed)).at("type"), "result");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, recognition::RecognitionLimits{}.pack_wait);
  use_version(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  const json::object error = show(socket, 2, jpeg(kRed));
  EXPECT_EQ(reason(error), "pack_unavailable");
  EXPECT_EQ(error.at("retry_after_s"), 5);
  EXPECT_FALSE(show(socket, 3, "nonsense").contains("retry_after_s"));
  loaded.set_value();
  json::object result;
  for (uint32_t id = 4; id < 400 && result["type"] != "result"; ++id) {
    result = show(socket, id, jpeg(kRed));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(result["version"], 2) << "the same stream goes on";
}

TEST_F(LiveTest, AGalleryTrainedAnewIsUsedFromTheNextSecondOn) {
  SocketClient socket = opened();
  for (uint32_t id = 0; id < 3; ++id) show(socket, id, jpeg(kRed));
  ada_.send("DELETE", fmt::format("/api/v1/galleries/{}/people/{}", filled_.gallery, filled_.ada));
  EXPECT_EQ(train(ada_, filled_.gallery).at("state"), "succeeded");
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  json::object result;
  for (uint32_t id = 3; id < 6; ++id) {
    result = show(socket, id, jpeg(kRed));
    EXPECT_NE(result.at("faces").at(0).at("person"), "Ada");
  }
  EXPECT_EQ(result.at("version"), 2);
  EXPECT_EQ(result.at("faces").at(0).at("decision"), "unknown");
}

}  // namespace
}  // namespace faceforge::http::test
