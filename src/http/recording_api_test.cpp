// Recording over HTTP: from frames on the live socket to a named person.

#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "http/api_test_support.h"
#include "http/socket_client_test_support.h"

namespace faceforge::http::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class RecordingApiTest : public ApiTest {
 protected:
  RecordingApiTest() : ada_(signed_up("ada")), filled_(fill(ada_)) {
    EXPECT_EQ(train(ada_, filled_.gallery).at("state"), "succeeded");
    path_ = fmt::format("/api/v1/galleries/{}", filled_.gallery);
  }

  Answer put_recording(const json::value& body) {
    return ada_.send("PUT", path_ + "/recording", "application/json", json::to_text(body));
  }
  Answer record() { return put_recording(json::object{{"is_on", true}, {"kept_days", 7}}); }

  Answer delete_faces(const json::value& ids) {
    return ada_.send("DELETE", path_ + "/unknown-faces", "application/json",
                     json::to_text(json::object{{"face_ids", ids}}));
  }

  json::array groups() {
    return body_of(ada_.get(path_ + "/unknown-faces")).at("groups").as_array();
  }
  json::array sightings() {
    return body_of(ada_.get(path_ + "/sightings")).at("sightings").as_array();
  }

  int64_t count(std::string_view what) { return body_of(ada_.get(path_)).at(what).as_int64(); }

  /// Waits until the server has written what streams handed over.
  void wait_until(std::string_view what, int64_t wanted) {
    for (int i = 0; i < 500 && count(what) != wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(count(what), wanted) << what;
  }

  /// Shows pictures of these colours on a socket, one after the other, and leaves.
  void show(std::initializer_list<Colour> colours) {
    SocketClient socket(server->port());
    const std::string fields =
        fmt::format("Cookie: {}\r\nOrigin: {}\r\n", ada_.cookie, ada_.own_origin());
    ASSERT_EQ(socket.open(path_ + "/live", fields).status, 101);
    socket.receive_text();
    uint32_t id = 0;
    for (const Colour colour : colours) {
      ASSERT_TRUE(socket.send(frame(++id, jpeg(colour))));
      socket.receive_text();
    }
  }

  ApiClient ada_;
  Filled filled_;
  std::string path_;
};

TEST_F(RecordingApiTest, AStreamLeavesNothingUntilRecordingIsTurnedOn) {
  show({kBlue, kBlue, kBlue, kBlue});
  const Answer on = record();
  EXPECT_EQ(on.status, 200);
  const json::object recording = body_of(on).at("recording").as_object();
  EXPECT_EQ(recording.at("is_on"), true);
  EXPECT_EQ(recording.at("kept_days"), 7);
  // Records are written in the order in which they are handed over: with this one written, one of
  // the stranger would be too.
  show({kRed, kRed, kRed, kRed});
  wait_until("sighting_count", 1);
  EXPECT_THAT(groups(), IsEmpty());
}

TEST_F(RecordingApiTest, WhoIsSeenIsListedAndAStrangerIsNamedAndRecognizedFromThenOn) {
  record();
  show({kRed, kRed, kRed, kRed});
  wait_until("sighting_count", 1);
  show({kBlue, kBlue, kBlue, kBlue});
  wait_until("unknown_face_count", 1);
  const json::object seen = sightings().at(0).as_object();
  EXPECT_EQ(seen.at("person"), "Ada");
  EXPECT_EQ(seen.at("person_id"), filled_.ada);
  EXPECT_GT(seen.at("cover_photo_id").as_int64(), 0);
  ASSERT_THAT(groups(), SizeIs(1));
  const json::object face = groups().at(0).at("faces").at(0).as_object();
  EXPECT_GE(face.at("look_count").as_int64(), 3);

  const json::array ids{face.at("id")};
  const Answer named =
      ada_.post(path_ + "/named-faces", json::object{{"face_ids", ids}, {"name", "Cleo"}});
  ASSERT_EQ(named.status, 200) << named.body;
  const json::object report = body_of(named);
  EXPECT_EQ(report.at("taken_count"), 1);
  EXPECT_EQ(report.at("refused_count"), 0);
  EXPECT_EQ(report.at("person").at("name"), "Cleo");
  EXPECT_EQ(report.at("person").at("photo_count"), 1);
  EXPECT_EQ(report.at("results").at(0).at("outcome"), "taken");
  EXPECT_EQ(report.at("results").at(0).at("photo").at("file_name"), "seen.jpg") << "and not when";
  EXPECT_THAT(groups(), IsEmpty());
  EXPECT_EQ(train(ada_, filled_.gallery).at("state"), "succeeded");
  const Answer identified =
      ada_.post_form(path_ + "/identify", {{"photo", "b.png", picture(kBlue)}});
  EXPECT_EQ(body_of(identified).at("faces").at(0).at("person"), "Cleo");
}

TEST_F(RecordingApiTest, AlikeFacesAreOneGroupAndGoToSomeoneOfTheGallery) {
  const json::array alike{keep_unknown_face(ada_, filled_.gallery, kBlue, 100),
                          keep_unknown_face(ada_, filled_.gallery, kBlue, 101)};
  keep_unknown_face(ada_, filled_.gallery, Colour{220, 220, 40}, 102);
  ASSERT_THAT(groups(), SizeIs(2));
  EXPECT_THAT(groups().at(0).at("faces").as_array(), SizeIs(2));
  const json::object report = body_of(ada_.post(
      path_ + "/named-faces", json::object{{"face_ids", alike}, {"person_id", filled_.bob}}));
  EXPECT_EQ(report.at("taken_count"), 2);
  EXPECT_EQ(report.at("person").at("photo_count"), 5);
  EXPECT_THAT(groups(), SizeIs(1));
}

TEST_F(RecordingApiTest, NamingIsUndone) {
  const int64_t face = keep_unknown_face(ada_, filled_.gallery);
  const json::object named = body_of(ada_.post(
      path_ + "/named-faces", json::object{{"face_ids", json::array{face}}, {"name", "Cleo"}}));
  const int64_t cleo = named.at("person").at("id").as_int64();
  EXPECT_THAT(groups(), IsEmpty());
  const std::string person = fmt::format("{}/people/{}", path_, cleo);
  const auto undo = [&](const json::array& faces) {
    return ada_.post(person + "/unnamed-faces", json::object{{"face_ids", faces}});
  };
  EXPECT_EQ(reason_of(undo({})), "face_count");
  const Answer undone = undo({99'999, face});
  ASSERT_EQ(undone.status, 200) << undone.body;
  EXPECT_EQ(body_of(undone).at("face_ids"), json::array{face}) << "those that could be";
  EXPECT_THAT(groups(), SizeIs(1));
  EXPECT_EQ(body_of(ada_.get(person)).at("photo_count"), 0);
  EXPECT_EQ(ada_.get(fmt::format("{}/unknown-faces/{}/crop", path_, face)).status, 200);
  const auto end = [&](const std::string& whose) {
    return ada_.post(whose + "/unnamed-faces",
                     json::object{{"face_ids", json::array{face}}, {"delete_if_emptied", true}});
  };
  EXPECT_EQ(end(person).status, 200);
  EXPECT_EQ(ada_.get(person).status, 404) << "nothing of theirs is left";
  const std::string bob = fmt::format("{}/people/{}", path_, filled_.bob);
  EXPECT_EQ(end(bob).status, 200);
  EXPECT_EQ(ada_.get(bob).status, 200) << "who has photos stays";
}

TEST_F(RecordingApiTest, AFaceThatIsGoneIsRefusedAndNobodyIsMadeOfNothing) {
  const int64_t face = keep_unknown_face(ada_, filled_.gallery);
  const Answer none = ada_.post(path_ + "/named-faces",
                                json::object{{"face_ids", json::array{99'999}}, {"name", "Cleo"}});
  ASSERT_EQ(none.status, 200) << none.body;
  EXPECT_TRUE(body_of(none).at("person").is_null());
  EXPECT_EQ(body_of(none).at("results").at(0).at("error").at("reason"), "unknown_face_not_found");
  const json::object some =
      body_of(ada_.post(path_ + "/named-faces",
                        json::object{{"face_ids", json::array{99'999, face}}, {"name", "Cleo"}}));
  EXPECT_EQ(some.at("taken_count"), 1);
  EXPECT_EQ(some.at("refused_count"), 1);
  EXPECT_EQ(some.at("person").at("name"), "Cleo") << "the name was not taken by the first attempt";
}

TEST_F(RecordingApiTest, AFaceWhosePictureIsAPhotoAlreadyIsUnknownNoMore) {
  const int64_t face = keep_unknown_face(ada_, filled_.gallery, kGreen, 120);
  ada_.post_form(fmt::format("{}/people/{}/photos", path_, filled_.bob),
                 {{"photo", "b.jpg", jpeg(kGreen, 120)}});
  const json::object report =
      body_of(ada_.post(path_ + "/named-faces",
                        json::object{{"face_ids", json::array{face}}, {"person_id", filled_.ada}}));
  EXPECT_EQ(report.at("refused_count"), 1);
  EXPECT_EQ(report.at("results").at(0).at("error").at("reason"), "photo_duplicate");
  EXPECT_THAT(groups(), IsEmpty());
}

TEST_F(RecordingApiTest, WhatIsSentIsChecked) {
  const auto reason = [this](const json::object& body) {
    return reason_of(ada_.post(path_ + "/named-faces", body));
  };
  const json::array one{keep_unknown_face(ada_, filled_.gallery)};
  EXPECT_EQ(reason({{"face_ids", one}}), "naming_ambiguous");
  EXPECT_EQ(reason({{"face_ids", one}, {"name", "X"}, {"person_id", 1}}), "naming_ambiguous");
  EXPECT_EQ(reason({{"face_ids", json::array()}, {"name", "X"}}), "face_count");
  EXPECT_EQ(reason({{"face_ids", json::array(51, 1)}, {"name", "X"}}), "face_count");
  EXPECT_EQ(reason({{"face_ids", json::array{"1"}}, {"name", "X"}}), "json_field_type");
  EXPECT_EQ(reason({{"face_ids", one}, {"name", "Bob"}}), "person_name_taken");
  EXPECT_EQ(reason({{"face_ids", one}, {"person_id", 99'999}}), "person_not_found");
  EXPECT_THAT(groups(), SizeIs(1));
  EXPECT_EQ(reason_of(delete_faces(json::array())), "face_count");
  EXPECT_EQ(reason_of(put_recording(json::object{{"is_on", true}, {"kept_days", 0}})),
            "kept_days_out_of_range");
  EXPECT_EQ(put_recording(json::object{{"is_on", true}}).status, 400);
}

TEST_F(RecordingApiTest, ThePictureOfAFaceIsKeptByTheBrowserAndAskedForAgain) {
  const int64_t face = keep_unknown_face(ada_, filled_.gallery);
  const std::string crop = fmt::format("{}/unknown-faces/{}/crop", path_, face);
  const Answer first = ada_.get(crop);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.header("Content-Type"), "image/jpeg");
  EXPECT_EQ(first.body, jpeg(kBlue));
  ada_.fields["If-None-Match"] = first.header("ETag");
  EXPECT_EQ(ada_.get(crop).status, 304);
  EXPECT_EQ(delete_faces(json::array{face}).status, 204);
  EXPECT_EQ(ada_.get(crop).status, 404) << "a deleted face is not shown again";
}

TEST_F(RecordingApiTest, FacesAndThenEverythingAreDeleted) {
  const int64_t face = keep_unknown_face(ada_, filled_.gallery, kBlue, 100);
  keep_unknown_face(ada_, filled_.gallery, kBlue, 101);
  show({kRed, kRed, kRed, kRed});
  wait_until("sighting_count", 1);
  EXPECT_EQ(delete_faces(json::array{face}).status, 204);
  EXPECT_EQ(count("unknown_face_count"), 1);
  EXPECT_EQ(ada_.send("DELETE", path_ + "/recording").status, 204);
  EXPECT_EQ(count("unknown_face_count"), 0);
  EXPECT_EQ(count("sighting_count"), 0);
  EXPECT_THAT(sightings(), IsEmpty());
  EXPECT_EQ(body_of(ada_.get(path_)).at("recording").at("is_on"), true);
}

TEST_F(RecordingApiTest, AMergeAndItsUndoLeaveWhoWasSeenAsItWas) {
  record();
  show({kRed, kRed, kRed, kRed});
  wait_until("sighting_count", 1);
  const std::string people = path_ + "/people";
  json::object merged = body_of(ada_.post(fmt::format("{}/{}/merged-people", people, filled_.bob),
                                          json::object{{"person_id", filled_.ada}}));
  EXPECT_EQ(sightings().at(0).at("person"), "Bob");
  ASSERT_THAT(merged.at("sighting_ids").as_array(), SizeIs(1));
  const std::string unmerged = fmt::format("{}/{}/unmerged-people", people, filled_.bob);
  json::object asked{{"name", "Ada"},
                     {"photo_ids", merged.at("photo_ids")},
                     {"sighting_ids", merged.at("sighting_ids")}};
  const Answer undone = ada_.post(unmerged, asked);
  EXPECT_EQ(undone.status, 200) << undone.body;
  EXPECT_EQ(body_of(undone).at("photo_ids"), merged.at("photo_ids"));
  EXPECT_EQ(body_of(undone).at("person").at("photo_count"), 3);
  EXPECT_EQ(sightings().at(0).at("person"), "Ada");
  asked["name"] = "Cleo";
  EXPECT_TRUE(body_of(ada_.post(unmerged, asked)).at("person").is_null()) << "none is Bob's";
  asked["sighting_ids"] = "1";
  EXPECT_EQ(reason_of(ada_.post(unmerged, asked)), "json_field_type");
}

TEST_F(RecordingApiTest, SightingsComeInPages) {
  record();
  const gallery::UserId user(body_of(ada_.get("/api/v1/me")).at("id").as_int64());
  for (int64_t hour = 0; hour < 3; ++hour) {
    const UnixTime_ms time_ms = clock.now_ms() + hour * 3'600'000;
    ASSERT_TRUE(galleries->add_sighting(user, gallery::GalleryId(filled_.gallery),
                                        {.person_id = gallery::PersonId(filled_.ada),
                                         .first_seen_ms = time_ms,
                                         .last_seen_ms = time_ms + 5'000,
                                         .similarity = 0.5F,
                                         .look_count = 3}));
  }
  const json::object first = body_of(ada_.get(path_ + "/sightings?limit=2"));
  EXPECT_THAT(first.at("sightings").as_array(), SizeIs(2));
  const json::object rest = body_of(ada_.get(fmt::format(
      "{}/sightings?limit=2&cursor={}", path_, first.at("next_cursor").as_string().c_str())));
  EXPECT_THAT(rest.at("sightings").as_array(), SizeIs(1));
  EXPECT_TRUE(rest.at("next_cursor").is_null());
}

}  // namespace
}  // namespace faceforge::http::test
