#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "accounts/accounts.h"
#include "base/clock.h"
#include "base/json.h"
#include "face/calibration.h"
#include "gallery/galleries.h"
#include "http/client_test_support.h"
#include "http/server.h"
#include "image/encode.h"
#include "image/image.h"
#include "jobs/jobs.h"
#include "packs/registry.h"
#include "recognition/recognition.h"
#include "recognition/train_job.h"
#include "store/blob_files.h"
#include "store/database.h"
#include "store/owners.h"
#include "support/test_data.h"

namespace faceforge::http::test {

/// Looks at pictures of one colour, so that tests can say who is in them: a face is as similar to
/// another as its colour, black shows no face and white shows two.
class ColourEngine final : public recognition::FaceEngine {
 public:
  explicit ColourEngine(char model = 'c');

  const face::ModelId& model_id() const override { return model_id_; }
  const std::string& pack_id() const override { return pack_id_; }
  face::Metric metric() const override { return face::Metric::Cosine; }
  int embedding_length() const override { return 3; }
  const std::optional<face::Calibration>& calibration() const override { return calibration_; }
  Result<image::Photo> decode(std::span<const std::byte> file) const override;
  Result<std::vector<face::DetectedFace>> detect(const image::Photo& photo) const override;
  Result<image::Photo> decode_frame(std::span<const std::byte> file) const override;
  Result<recognition::FrameFaces> detect_in_frame(
      const image::Photo& frame, std::span<const vision::FrameScale> scales) const override;
  Result<face::AlignedFace> align(const image::Photo& photo,
                                  const face::DetectedFace& face) const override;
  Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedFace> faces) const override;
  face::Quality quality(const image::Photo& photo, const face::DetectedFace& face,
                        const face::AlignedFace& aligned) const override;

 private:
  face::ModelId model_id_;
  std::string pack_id_;  ///< "colour" for the model of every test
  std::optional<face::Calibration> calibration_;
};

struct Colour {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
};

inline constexpr Colour kRed{220, 40, 40};
inline constexpr Colour kGreen{40, 220, 40};
inline constexpr Colour kBlue{40, 40, 220};
inline constexpr Colour kBlack{0, 0, 0};
inline constexpr Colour kGrey{100, 100, 100};  ///< a face that cannot be embedded
inline constexpr Colour kWhite{255, 255, 255};

/// A PNG of 100 x 80 pixels; pictures with another `serial` are other files of the same colour.
[[nodiscard]] std::string picture(Colour colour, int serial = 0);

/// A JPEG of one colour.
[[nodiscard]] std::string jpeg(Colour colour, int width_px = 100, int height_px = 80);

struct FormPart {
  std::string name;
  std::string file_name;
  std::string content;
};

[[nodiscard]] std::string form(const std::vector<FormPart>& parts);
inline constexpr std::string_view kFormType = "multipart/form-data; boundary=test-boundary";

/// A client that remembers its session as a browser does.
class ApiClient {
 public:
  explicit ApiClient(uint16_t port) : port_(port) {}

  Answer send(std::string_view method, std::string_view path, std::string_view type = "",
              std::string_view body = "");
  Answer get(std::string_view path) { return send("GET", path); }
  Answer post(std::string_view path, const json::value& body) {
    return send("POST", path, "application/json", json::to_text(body));
  }
  Answer post_form(std::string_view path, const std::vector<FormPart>& parts) {
    return send("POST", path, kFormType, form(parts));
  }

  /// Signs up, or in, and keeps the session.
  void enter(std::string_view path, std::string_view name);

  static constexpr std::string_view kPassword = "quite a long pass phrase";

  /// What a browser sends as the Origin of the server's own pages.
  [[nodiscard]] std::string own_origin() const { return fmt::format("http://127.0.0.1:{}", port_); }

  std::string cookie;
  std::string csrf_token;
  std::map<std::string, std::string> fields;  ///< sent with every request

 private:
  uint16_t port_;
};

/// Records a message of the live socket, as answers are.
void record_message(std::string_view text);

[[nodiscard]] json::object body_of(const Answer& answer);
[[nodiscard]] int64_t id_of(const Answer& answer);
/// `reason` of an error.
[[nodiscard]] std::string reason_of(const Answer& answer);

/// Everything behind the API for real, but the networks: the database, the files, the jobs.
class ApiTest : public testing::Test {
 protected:
  ApiTest();
  ~ApiTest() override;

  /// What the server is made of, with this database to ask whether it answers.
  Services services(store::Database& asked);
  /// Another server in place of the one that runs.
  void serve(const Services& services);

  ApiClient client() { return ApiClient(server->port()); }
  ApiClient signed_up(std::string_view name);

  /// A gallery with a red Ada and a green Bob, three photos each.
  struct Filled {
    int64_t gallery = 0;
    int64_t ada = 0;
    int64_t bob = 0;
    int64_t photo_of_ada = 0;
  };
  Filled fill(ApiClient& client);

  /// Has the gallery recorded, and keeps an unknown face as a live stream does; another width is
  /// another picture.
  ///
  /// out: the face's id
  int64_t keep_unknown_face(ApiClient& client, int64_t gallery, Colour colour = kBlue,
                            int width_px = 100);

  /// Trains and waits.
  ///
  /// out: the job as it ended
  json::object train(ApiClient& client, int64_t gallery);

  faceforge::test::TemporaryFolder folder;
  SystemClock clock;
  std::shared_ptr<store::Database> database;
  std::unique_ptr<store::BlobFiles> files;
  std::unique_ptr<accounts::Accounts> accounts;
  std::unique_ptr<gallery::Galleries> galleries;
  std::unique_ptr<recognition::InferenceScheduler> scheduler;
  std::unique_ptr<recognition::Recognition> recognition;
  std::unique_ptr<packs::Registry> packs;
  std::unique_ptr<jobs::Jobs> jobs;
  std::unique_ptr<Server> server;
};

}  // namespace faceforge::http::test
