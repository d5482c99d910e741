#pragma once

#include "accounts/accounts.h"
#include "base/json.h"
#include "face/detected_face.h"
#include "gallery/gallery.h"
#include "gallery/recording.h"
#include "jobs/job.h"
#include "packs/registry.h"
#include "recognition/recognition.h"

namespace faceforge::http {

/// The schemas of openapi.yaml that only the API has; reports of faces are recognition's own.

[[nodiscard]] json::object to_json(const accounts::User& user);
[[nodiscard]] json::object to_json(const accounts::ApiKeyInfo& key);
[[nodiscard]] json::object to_json(const accounts::SessionInfo& session);
[[nodiscard]] json::object to_json(const gallery::Gallery& gallery,
                                   const recognition::Recognition& recognition);
[[nodiscard]] json::object to_json(const gallery::Person& person);
[[nodiscard]] json::object to_json(const gallery::Photo& photo);
[[nodiscard]] json::object to_json(const gallery::Version& version);
[[nodiscard]] json::object to_json(const gallery::VersionReport& report);
[[nodiscard]] json::object to_json(const recognition::VersionCheck& checked);
[[nodiscard]] json::object to_json(const recognition::PersonTraining& training);
[[nodiscard]] json::object to_json(const gallery::Sighting& sighting);
[[nodiscard]] json::object to_json(const gallery::UnknownFace& face);
[[nodiscard]] json::object to_json(const recognition::UnknownFaces& faces);
[[nodiscard]] json::object to_json(const face::DetectedFace& face);
[[nodiscard]] json::object to_json(const jobs::Job& job);

enum class PackUse { Idle, InUse };
[[nodiscard]] json::object to_json(const packs::PackEntry& pack, PackUse use);

}  // namespace faceforge::http
