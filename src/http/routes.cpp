#include "http/routes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "http/handlers.h"

namespace faceforge::http {
namespace {

constexpr size_t kNone = 0;
constexpr size_t kJson = size_t{1} << 20;
constexpr size_t kPhoto = 25'100'000;  // one of 25 MB, and the form around it
constexpr size_t kTwoPhotos = 2 * kPhoto;
constexpr size_t kPhotos = 300'000'000;

using enum Method;
using enum Access;
using enum Lane;

// One line a route.
// clang-format off
constexpr auto kRoutes = std::to_array<Route>({
    {Get,    "/healthz",                                  Anyone,    kNone,  AtOnce, get_health},
    {Get,    "/readyz",                                   Anyone,    kNone,  Quick,  get_readiness},

    {Post,   "/api/v1/auth/signup",                       Anyone,    kJson,  Passwords, sign_up},
    {Post,   "/api/v1/auth/login",                        Anyone,    kJson,  Passwords, log_in},
    {Post,   "/api/v1/auth/logout",                       Account,   kNone,  Quick,  log_out},
    {Get,    "/api/v1/auth/session",                      Anyone,    kNone,  Quick,  get_session},

    {Get,    "/api/v1/me",                                Read,      kNone,  Quick,  get_me},
    {Delete, "/api/v1/me",                                Account,   kJson,  Passwords, delete_me},
    {Put,    "/api/v1/me/password",                       Account,   kJson,  Passwords, change_password},
    {Get,    "/api/v1/me/second-factor",                  Account,   kNone,  Quick,  get_second_factor},
    {Post,   "/api/v1/me/second-factor",                  Account,   kJson,  Passwords, begin_second_factor},
    {Put,    "/api/v1/me/second-factor/confirmation",     Account,   kJson,  Quick,  confirm_second_factor},
    {Delete, "/api/v1/me/second-factor",                  Account,   kJson,  Passwords, remove_second_factor},
    {Post,   "/api/v1/me/second-factor/recovery-codes",   Account,   kJson,  Passwords, renew_recovery_codes},
    {Get,    "/api/v1/me/sessions",                       Account,   kNone,  Quick,  list_sessions},
    {Delete, "/api/v1/me/sessions/{session_id}",          Account,   kNone,  Quick,  end_session},
    {Get,    "/api/v1/me/api-keys",                       Account,   kNone,  Quick,  list_api_keys},
    {Post,   "/api/v1/me/api-keys",                       Account,   kJson,  Quick,  create_api_key},
    {Delete, "/api/v1/me/api-keys/{api_key_id}",          Account,   kNone,  Quick,  revoke_api_key},

    {Get,    "/api/v1/galleries",                         Read,      kNone,  Quick,  list_galleries},
    {Post,   "/api/v1/galleries",                         Manage,    kJson,  Quick,  create_gallery},
    {Get,    "/api/v1/galleries/{gallery_id}",            Read,      kNone,  Quick,  get_gallery},
    {Patch,  "/api/v1/galleries/{gallery_id}",            Manage,    kJson,  Quick,  rename_gallery},
    {Delete, "/api/v1/galleries/{gallery_id}",            Manage,    kNone,  Quick,  delete_gallery},
    {Post,   "/api/v1/galleries/{gallery_id}/duplicates", Manage,    kJson,  Photos, duplicate_gallery},
    {Put,    "/api/v1/galleries/{gallery_id}/version-in-use", Manage, kJson, Quick,  use_version},

    {Get,    "/api/v1/galleries/{gallery_id}/people",     Read,      kNone,  Quick,  list_people},
    {Post,   "/api/v1/galleries/{gallery_id}/people",     Manage,    kJson,  Quick,  create_person},
    {Get,    "/api/v1/galleries/{gallery_id}/people/{person_id}", Read,   kNone, Quick, get_person},
    {Patch,  "/api/v1/galleries/{gallery_id}/people/{person_id}", Manage, kJson, Quick, rename_person},
    {Delete, "/api/v1/galleries/{gallery_id}/people/{person_id}", Manage, kNone, Quick, delete_person},
    {Post,   "/api/v1/galleries/{gallery_id}/people/{person_id}/moved-photos", Manage, kJson, Quick, move_photos},
    {Post,   "/api/v1/galleries/{gallery_id}/people/{person_id}/moved-back-photos", Manage, kJson, Quick, move_photos_back},
    {Post,   "/api/v1/galleries/{gallery_id}/people/{person_id}/merged-people", Manage, kJson, Quick, merge_person},
    {Post,   "/api/v1/galleries/{gallery_id}/people/{person_id}/unmerged-people", Manage, kJson, Quick, unmerge_person},

    {Get,    "/api/v1/galleries/{gallery_id}/people/{person_id}/training", Read,   kNone, Photos, get_person_training},
    {Post,   "/api/v1/galleries/{gallery_id}/people/{person_id}/unnamed-faces", Manage, kJson, Quick, unname_faces},

    {Get,    "/api/v1/galleries/{gallery_id}/people/{person_id}/photos", Read,   kNone,   Quick,  list_photos},
    {Post,   "/api/v1/galleries/{gallery_id}/people/{person_id}/photos", Manage, kPhotos, Photos, upload_photos},
    {Get,    "/api/v1/galleries/{gallery_id}/people/{person_id}/photos/{photo_id}", Read,   kNone, Quick, get_photo},
    {Delete, "/api/v1/galleries/{gallery_id}/people/{person_id}/photos/{photo_id}", Manage, kNone, Quick, delete_photo},
    {Get,    "/api/v1/galleries/{gallery_id}/people/{person_id}/photos/{photo_id}/image", Read, kNone, Quick,  get_photo_image},
    {Get,    "/api/v1/galleries/{gallery_id}/people/{person_id}/photos/{photo_id}/crop",  Read, kNone, Photos, get_photo_crop},

    {Get,    "/api/v1/galleries/{gallery_id}/versions",                 Read,   kNone, Quick, list_versions},
    {Post,   "/api/v1/galleries/{gallery_id}/versions",                 Manage, kNone, Quick, train_gallery},
    {Get,    "/api/v1/galleries/{gallery_id}/versions/{version}",       Read,   kNone, Quick, get_version},
    {Delete, "/api/v1/galleries/{gallery_id}/versions/{version}",       Manage, kNone, Quick, delete_version},
    {Get,    "/api/v1/galleries/{gallery_id}/versions/{version}/check", Read,   kNone, Photos, check_version},
    {Get,    "/api/v1/galleries/{gallery_id}/versions/{version}/model", Read,   kNone, Photos, download_model},

    {Post,   "/api/v1/galleries/{gallery_id}/verify",     Recognize, kPhoto, Photos, verify},
    {Post,   "/api/v1/galleries/{gallery_id}/identify",   Recognize, kPhoto, Photos, identify},
    {Get,    "/api/v1/galleries/{gallery_id}/live",       Recognize, kNone,  Sockets, watch_gallery},
    {Put,    "/api/v1/galleries/{gallery_id}/recording",  Manage,    kJson,  Quick,  set_recording},
    {Delete, "/api/v1/galleries/{gallery_id}/recording",  Manage,    kNone,  Quick,  delete_recorded},
    {Get,    "/api/v1/galleries/{gallery_id}/sightings",  Read,      kNone,  Quick,  list_sightings},
    {Get,    "/api/v1/galleries/{gallery_id}/unknown-faces", Read,   kNone,  Photos, list_unknown_faces},
    {Delete, "/api/v1/galleries/{gallery_id}/unknown-faces", Manage, kJson,  Quick,  delete_unknown_faces},
    {Get,    "/api/v1/galleries/{gallery_id}/unknown-faces/{face_id}/crop", Read, kNone, Quick, get_unknown_face_crop},
    {Post,   "/api/v1/galleries/{gallery_id}/named-faces", Manage,   kJson,  Photos, name_faces},

    {Post,   "/api/v1/detect",                            Recognize, kPhoto, Photos, detect},
    {Post,   "/api/v1/compare",                           Recognize, kTwoPhotos, Photos, compare},

    {Get,    "/api/v1/packs",                             Read,      kNone,  Quick,  list_packs},
    {Get,    "/api/v1/packs/default",                     Read,      kNone,  Quick,  get_default_pack},
    {Get,    "/api/v1/packs/recommendation",              Read,      kNone,  Quick,  get_pack_recommendation},

    {Get,    "/api/v1/jobs",                              Read,      kNone,  Quick,  list_jobs},
    {Get,    "/api/v1/jobs/{job_id}",                     Read,      kNone,  Quick,  get_job},
    {Post,   "/api/v1/jobs/{job_id}/cancel",              Manage,    kNone,  Quick,  cancel_job},
    {Get,    "/api/v1/jobs/{job_id}/events",              Read,      kNone,  Quick,  watch_job},
});
// clang-format on

/// Takes the next segment of a pattern away from its front.
std::string_view take_segment(std::string_view& pattern) {
  pattern.remove_prefix(1);  // the slash
  const size_t end = std::min(pattern.find('/'), pattern.size());
  const std::string_view segment = pattern.substr(0, end);
  pattern.remove_prefix(end);
  return segment;
}

/// An id has one spelling: digits without a sign or leading zeros, above 0.
std::optional<int64_t> id_from(std::string_view text) {
  if (text.empty() || text.front() < '1' || text.front() > '9') return std::nullopt;
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

std::optional<PathIds> match(std::string_view pattern, std::span<const std::string> segments) {
  PathIds ids;
  for (const std::string& segment : segments) {
    if (pattern.empty()) return std::nullopt;
    const std::string_view expected = take_segment(pattern);
    if (expected.starts_with('{')) {
      const auto id = id_from(segment);
      if (!id) return std::nullopt;
      ids.add(expected.substr(1, expected.size() - 2), *id);
    } else if (segment != expected) {
      return std::nullopt;
    }
  }
  if (!pattern.empty()) return std::nullopt;
  return ids;
}

}  // namespace

std::string_view to_string(Access access) {
  switch (access) {
    case Access::Anyone:
      return "anyone";
    case Access::Read:
      return "read";
    case Access::Recognize:
      return "recognize";
    case Access::Manage:
      return "manage";
    case Access::Account:
      break;
  }
  return "account";
}

std::span<const Route> routes() {
  return kRoutes;
}

std::variant<RouteMatch, NoSuchPath, WrongMethod> find_route(
    Method method, std::span<const std::string> segments) {
  const Method wanted = method == Method::Head ? Method::Get : method;
  std::string allowed;
  for (const Route& route : kRoutes) {
    auto ids = match(route.pattern, segments);
    if (!ids) continue;
    if (route.method == wanted) return RouteMatch{&route, *std::move(ids)};
    if (!allowed.empty()) allowed += ", ";
    allowed += to_string(route.method);
    if (route.method == Method::Get) allowed += ", HEAD";
  }
  if (allowed.empty()) return NoSuchPath{};
  return WrongMethod{std::move(allowed)};
}

}  // namespace faceforge::http
