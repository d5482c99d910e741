#pragma once

#include "base/result.h"
#include "http/call.h"
#include "http/message.h"

namespace faceforge::http {

/// The handlers of the route table, one for each operation of openapi.yaml, where in, out and
/// failures are described. Each is in the file that its tag names: `auth_routes.cpp`, ...

[[nodiscard]] Result<Response> get_health(const Call& call);
[[nodiscard]] Result<Response> get_readiness(const Call& call);

[[nodiscard]] Result<Response> sign_up(const Call& call);
[[nodiscard]] Result<Response> log_in(const Call& call);
[[nodiscard]] Result<Response> log_out(const Call& call);
[[nodiscard]] Result<Response> get_session(const Call& call);

[[nodiscard]] Result<Response> get_me(const Call& call);
[[nodiscard]] Result<Response> delete_me(const Call& call);
[[nodiscard]] Result<Response> change_password(const Call& call);
[[nodiscard]] Result<Response> get_second_factor(const Call& call);
[[nodiscard]] Result<Response> begin_second_factor(const Call& call);
[[nodiscard]] Result<Response> confirm_second_factor(const Call& call);
[[nodiscard]] Result<Response> remove_second_factor(const Call& call);
[[nodiscard]] Result<Response> renew_recovery_codes(const Call& call);
[[nodiscard]] Result<Response> list_sessions(const Call& call);
[[nodiscard]] Result<Response> end_session(const Call& call);
[[nodiscard]] Result<Response> list_api_keys(const Call& call);
[[nodiscard]] Result<Response> create_api_key(const Call& call);
[[nodiscard]] Result<Response> revoke_api_key(const Call& call);

[[nodiscard]] Result<Response> list_galleries(const Call& call);
[[nodiscard]] Result<Response> create_gallery(const Call& call);
[[nodiscard]] Result<Response> get_gallery(const Call& call);
[[nodiscard]] Result<Response> rename_gallery(const Call& call);
[[nodiscard]] Result<Response> delete_gallery(const Call& call);
[[nodiscard]] Result<Response> duplicate_gallery(const Call& call);

[[nodiscard]] Result<Response> list_people(const Call& call);
[[nodiscard]] Result<Response> create_person(const Call& call);
[[nodiscard]] Result<Response> get_person(const Call& call);
[[nodiscard]] Result<Response> rename_person(const Call& call);
[[nodiscard]] Result<Response> delete_person(const Call& call);
[[nodiscard]] Result<Response> move_photos(const Call& call);
[[nodiscard]] Result<Response> move_photos_back(const Call& call);
[[nodiscard]] Result<Response> merge_person(const Call& call);
[[nodiscard]] Result<Response> unmerge_person(const Call& call);

[[nodiscard]] Result<Response> list_photos(const Call& call);
[[nodiscard]] Result<Response> upload_photos(const Call& call);
[[nodiscard]] Result<Response> get_photo(const Call& call);
[[nodiscard]] Result<Response> delete_photo(const Call& call);
[[nodiscard]] Result<Response> get_photo_image(const Call& call);
[[nodiscard]] Result<Response> get_photo_crop(const Call& call);

[[nodiscard]] Result<Response> list_versions(const Call& call);
[[nodiscard]] Result<Response> train_gallery(const Call& call);
[[nodiscard]] Result<Response> get_version(const Call& call);
[[nodiscard]] Result<Response> use_version(const Call& call);
[[nodiscard]] Result<Response> delete_version(const Call& call);
[[nodiscard]] Result<Response> check_version(const Call& call);
[[nodiscard]] Result<Response> get_person_training(const Call& call);
[[nodiscard]] Result<Response> download_model(const Call& call);

[[nodiscard]] Result<Response> verify(const Call& call);
[[nodiscard]] Result<Response> identify(const Call& call);
[[nodiscard]] Result<Response> detect(const Call& call);
[[nodiscard]] Result<Response> compare(const Call& call);

[[nodiscard]] Result<Response> watch_gallery(const Call& call);

[[nodiscard]] Result<Response> set_recording(const Call& call);
[[nodiscard]] Result<Response> delete_recorded(const Call& call);
[[nodiscard]] Result<Response> list_sightings(const Call& call);
[[nodiscard]] Result<Response> list_unknown_faces(const Call& call);
[[nodiscard]] Result<Response> delete_unknown_faces(const Call& call);
[[nodiscard]] Result<Response> get_unknown_face_crop(const Call& call);
[[nodiscard]] Result<Response> name_faces(const Call& call);
[[nodiscard]] Result<Response> unname_faces(const Call& call);

[[nodiscard]] Result<Response> list_packs(const Call& call);
[[nodiscard]] Result<Response> get_default_pack(const Call& call);
[[nodiscard]] Result<Response> get_pack_recommendation(const Call& call);

[[nodiscard]] Result<Response> list_jobs(const Call& call);
[[nodiscard]] Result<Response> get_job(const Call& call);
[[nodiscard]] Result<Response> cancel_job(const Call& call);
[[nodiscard]] Result<Response> watch_job(const Call& call);

}  // namespace faceforge::http
