#include "http/api_test_support.h"

#include <cstdlib>
#include <fstream>
#include <mutex>

#include <fmt/format.h>

#include "crypto/secret.h"
#include "face/embedding.h"

namespace faceforge::http::test {
namespace {

constexpr std::string_view kPage = "<html>pages</html>";

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().reason + ": " + result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

face::DetectedFace face_at(float x, float width) {
  face::DetectedFace face{.box = {.x = x, .y = 10, .width = width, .height = 60},
                          .detection_score = 0.9F};
  face.landmarks = {{{x + 10, 30}, {x + 30, 30}, {x + 20, 40}, {x + 12, 55}, {x + 28, 55}}};
  return face;
}

/// Appends a line to the file that FACEFORGE_RECORD_ANSWERS names, where tests/api holds it against
/// openapi.yaml.
void record(const json::object& line) {
  const char* const file = std::getenv("FACEFORGE_RECORD_ANSWERS");
  if (file == nullptr) return;
  static std::mutex mutex;  // several users of one test ask at once
  const std::scoped_lock lock(mutex);
  std::ofstream(file, std::ios::app) << json::to_text(line) << '\n';
}

/// Bodies other than text stay out.
void record(std::string_view method, std::string_view target, const Answer& answer) {
  if (answer.status == 0) return;
  const std::string type = answer.header("Content-Type");
  const bool is_text = type == "application/json" || type == "text/event-stream";
  record({{"method", method},
          {"target", target},
          {"status", answer.status},
          {"type", type},
          {"body", is_text ? answer.body : ""}});
}

}  // namespace

ColourEngine::ColourEngine(char model)
    : model_id_(std::string(64, model)), pack_id_(model == 'c' ? "colour" : "other") {
  calibration_ = face::Calibration{.model_id = model_id_,
                                   .impostor_pair_count = 1'000'000,
                                   .points = {{1e-2, 0.5F}, {1e-4, 0.9F}, {1e-5, 0.95F}},
                                   .tail_intercept = 0,
                                   .tail_slope = -12,
                                   .tail_curvature = 0,
                                   .ambiguity_margin = 0.02F};
}

Result<image::Photo> ColourEngine::decode(std::span<const std::byte> file) const {
  return image::decode(file, image::DecodeLimits{});
}

Result<std::vector<face::DetectedFace>> ColourEngine::detect(const image::Photo& photo) const {
  const auto pixel = photo.image.row(photo.image.height_px() / 2).subspan(0, 3);
  const int sum = pixel[0] + pixel[1] + pixel[2];
  if (sum == 0) return std::vector<face::DetectedFace>{};
  if (sum == 3 * 255) return std::vector<face::DetectedFace>{face_at(5, 40), face_at(50, 40)};
  return std::vector<face::DetectedFace>{face_at(20, 50)};
}

Result<image::Photo> ColourEngine::decode_frame(std::span<const std::byte> file) const {
  return image::decode(file, recognition::kFrameLimits);
}

Result<recognition::FrameFaces> ColourEngine::detect_in_frame(
    const image::Photo& frame, std::span<const vision::FrameScale>) const {
  auto faces = detect(frame);
  if (!faces) return Unexpected(faces.error());
  return recognition::FrameFaces{.sure = *std::move(faces), .doubtful = {}};
}

Result<face::AlignedFace> ColourEngine::align(const image::Photo& photo,
                                              const face::DetectedFace&) const {
  face::AlignedFace aligned;
  aligned.crops.push_back({.pixels = photo.image.clone(), .landmark_template = "colour"});
  return aligned;
}

Result<std::vector<face::Embedding>> ColourEngine::embed(
    std::span<const face::AlignedFace> faces) const {
  std::vector<face::Embedding> embeddings;
  for (const auto& aligned : faces) {
    const image::Image& pixels = aligned.crops.front().pixels;
    const auto pixel = pixels.row(pixels.height_px() / 2).subspan(0, 3);
    face::Embedding embedding{.model_id = model_id_, .metric = face::Metric::Cosine, .values = {}};
    for (const uint8_t value : pixel) embedding.values.push_back(static_cast<float>(value) - 100);
    if (!face::normalize(embedding.values)) {
      return fail(ErrorCode::Internal, "embedding_not_finite", "a grey face");
    }
    embeddings.push_back(std::move(embedding));
  }
  return embeddings;
}

face::Quality ColourEngine::quality(const image::Photo&, const face::DetectedFace& face,
                                    const face::AlignedFace&) const {
  return {.face_size_px = std::min(face.box.width, face.box.height),
          .sharpness = 100,
          .brightness = 0.5F};
}

namespace {

image::Image painted(Colour colour, int width_px, int height_px) {
  auto image = image::Image::create(width_px, height_px);
  const auto pixels = image.pixels();
  for (size_t i = 0; i < pixels.size(); i += 3) {
    pixels[i] = colour.red;
    pixels[i + 1] = colour.green;
    pixels[i + 2] = colour.blue;
  }
  return image;
}

std::string text_of(std::span<const std::byte> file) {
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

}  // namespace

std::string picture(Colour colour, int serial) {
  auto image = painted(colour, 100, 80);
  image.pixels()[0] = static_cast<uint8_t>(serial);
  image.pixels()[1] = static_cast<uint8_t>(serial >> 8);
  return text_of(value_of(image::encode_png(image)));
}

std::string jpeg(Colour colour, int width_px, int height_px) {
  return text_of(value_of(image::encode_jpeg(painted(colour, width_px, height_px))));
}

std::string form(const std::vector<FormPart>& parts) {
  std::string text;
  for (const FormPart& part : parts) {
    text += fmt::format(
        "--test-boundary\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n"
        "Content-Type: image/png\r\n\r\n",
        part.name, part.file_name);
    text += part.content + "\r\n";
  }
  return text + "--test-boundary--\r\n";
}

Answer ApiClient::send(std::string_view method, std::string_view path, std::string_view type,
                       std::string_view body) {
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n",
                                    method, path, port_);
  if (!cookie.empty()) request += "Cookie: " + cookie + "\r\n";
  if (!csrf_token.empty()) request += "X-CSRF-Token: " + csrf_token + "\r\n";
  for (const auto& [name, value] : fields) request += name + ": " + value + "\r\n";
  if (!type.empty()) request += fmt::format("Content-Type: {}\r\n", type);
  if (!body.empty()) request += fmt::format("Content-Length: {}\r\n", body.size());
  RawClient connection(port_);
  connection.send(request + "\r\n");
  connection.send(body);
  Answer answer =
      connection.receive(method == "HEAD" ? Method::Head : Method::Get).value_or(Answer{});
  record(method, path, answer);
  return answer;
}

void ApiClient::enter(std::string_view path, std::string_view name) {
  const Answer answer = post(path, json::object{{"name", name}, {"password", kPassword}});
  ASSERT_EQ(answer.status / 100, 2) << answer.body;
  const std::string set_cookie = answer.header("Set-Cookie");
  cookie = set_cookie.substr(0, set_cookie.find(';'));
  csrf_token = std::string(body_of(answer).at("csrf_token").as_string());
}

void record_message(std::string_view text) {
  record({{"live_message", text}});
}

json::object body_of(const Answer& answer) {
  const auto parsed = json::parse(answer.body);
  return parsed && parsed->is_object() ? parsed->get_object() : json::object{};
}

int64_t id_of(const Answer& answer) {
  const json::object body = body_of(answer);
  return body.contains("id") ? body.at("id").as_int64() : 0;
}

std::string reason_of(const Answer& answer) {
  const json::object body = body_of(answer);
  if (!body.contains("error")) return "";
  return std::string(body.at("error").at("reason").as_string());
}

ApiTest::ApiTest() {
  database = value_of(store::Database::open({.location = (folder.path() / "test.db").string()}));
  std::vector<store::Migration> migrations = store::owner_migrations();
  for (const auto& more : {accounts::migrations(), jobs::migrations(), gallery::migrations()}) {
    migrations.insert(migrations.end(), more.begin(), more.end());
  }
  value_of(store::migrate(*database, migrations));
  files =
      std::make_unique<store::BlobFiles>(value_of(store::BlobFiles::open(folder.path() / "files")));
  accounts::Options account_options;
  account_options.password_cost = crypto::PasswordCost::for_tests();
  accounts = std::make_unique<accounts::Accounts>(database, clock, crypto::Secret::random(32),
                                                  account_options);
  galleries = std::make_unique<gallery::Galleries>(*database, *files, clock);
  scheduler = value_of(recognition::InferenceScheduler::start({.core_count = 2}));
  recognition = std::make_unique<recognition::Recognition>(*galleries, *scheduler,
                                                           std::make_shared<ColourEngine>());
  packs = std::make_unique<packs::Registry>(
      packs::RegistryOptions{.packs_folder = folder.path() / "packs"});
  jobs = std::make_unique<jobs::Jobs>(database, clock);
  recognition::add_train_gallery(*jobs, *recognition);
  value_of(jobs->start());
  std::filesystem::create_directories(folder.path() / "web");
  std::ofstream(folder.path() / "web/index.html") << kPage;
  serve(services(*database));
}

ApiTest::~ApiTest() {
  server->stop();
  jobs->stop();
}

Services ApiTest::services(store::Database& asked) {
  return {.accounts = *accounts,
          .recognition = *recognition,
          .jobs = *jobs,
          .packs = *packs,
          .database = asked,
          .files = *files};
}

void ApiTest::serve(const Services& services) {
  if (server != nullptr) server->stop();
  ServerOptions options;
  options.transport.port = 0;
  options.transport.spool_folder = folder.path() / "spool";
  options.web_folder = folder.path() / "web";
  server = value_of(Server::start(options, services));
}

ApiClient ApiTest::signed_up(std::string_view name) {
  ApiClient made = client();
  made.enter("/api/v1/auth/signup", name);
  return made;
}

ApiTest::Filled ApiTest::fill(ApiClient& client) {
  Filled filled;
  filled.gallery = id_of(client.post("/api/v1/galleries", json::object{{"name", "Family"}}));
  const std::string people = fmt::format("/api/v1/galleries/{}/people", filled.gallery);
  filled.ada = id_of(client.post(people, json::object{{"name", "Ada"}}));
  filled.bob = id_of(client.post(people, json::object{{"name", "Bob"}}));
  int serial = 0;
  for (const auto& [person, colour] :
       {std::pair(filled.ada, kRed), std::pair(filled.bob, kGreen)}) {
    std::vector<FormPart> parts;
    for (int i = 0; i < 3; ++i) {
      parts.push_back({"photo", fmt::format("{}.png", serial), picture(colour, serial)});
      ++serial;
    }
    const Answer answer = client.post_form(fmt::format("{}/{}/photos", people, person), parts);
    EXPECT_EQ(body_of(answer).at("taken_count").as_int64(), 3) << answer.body;
    if (person == filled.ada) {
      filled.photo_of_ada = body_of(answer).at("results").at(0).at("photo").at("id").as_int64();
    }
  }
  return filled;
}

int64_t ApiTest::keep_unknown_face(ApiClient& client, int64_t gallery, Colour colour,
                                   int width_px) {
  const gallery::UserId user(body_of(client.get("/api/v1/me")).at("id").as_int64());
  const gallery::GalleryId id(gallery);
  value_of(galleries->set_recording(user, id, {.is_on = true}));
  const std::string file = jpeg(colour, width_px);
  const ColourEngine engine;
  const auto photo = value_of(engine.decode(std::as_bytes(std::span(file))));
  const auto face = value_of(engine.detect(photo)).front();
  std::vector<face::AlignedFace> aligned;
  aligned.push_back(value_of(engine.align(photo, face)));
  const auto kept =
      galleries->add_unknown_face(user, id,
                                  {.picture = std::as_bytes(std::span(file)),
                                   .width_px = photo.width_px,
                                   .height_px = photo.height_px,
                                   .face = face,
                                   .quality = engine.quality(photo, face, aligned.front()),
                                   .embedding = value_of(engine.embed(aligned)).front(),
                                   .first_seen_ms = clock.now_ms(),
                                   .pictured_ms = clock.now_ms(),
                                   .last_seen_ms = clock.now_ms(),
                                   .look_count = 4});
  return value_of(kept).value();
}

json::object ApiTest::train(ApiClient& client, int64_t gallery) {
  const Answer queued = client.send("POST", fmt::format("/api/v1/galleries/{}/versions", gallery));
  EXPECT_EQ(queued.status, 202) << queued.body;
  const std::string job = queued.header("Location");
  // The stream ends when the job has.
  EXPECT_EQ(client.get(job + "/events").header("Content-Type"), "text/event-stream");
  return body_of(client.get(job));
}

}  // namespace faceforge::http::test
