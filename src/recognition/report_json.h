#pragma once

#include <string_view>

#include "base/json.h"
#include "recognition/identify.h"
#include "recognition/photo_faces.h"
#include "recognition/verify.h"
#include "recognition/watch.h"

namespace faceforge::recognition {

/// The stable JSON of reports, shared by command line and HTTP. Lengths are pixels of the upright
/// photo. Similarities are written with the few digits that a float holds.

/// `{"x":..,"y":..,"width":..,"height":..}`
[[nodiscard]] json::object to_json(const face::BoundingBox& box);

/// `{"face_size_px":..,"sharpness":..,"brightness":..,"yaw_deg":..,"pitch_deg":..,"roll_deg":..}`
[[nodiscard]] json::object to_json(const face::Quality& quality);

/// `[[x,y],.. 5]`
[[nodiscard]] json::array to_json(const face::Landmarks& landmarks);

enum class EmbeddingsInJson { LeftOut, Included };

/// `{"width_px":..,"height_px":..,"faces":[{"box","detection_score","landmarks","quality"}]}`; with
/// embeddings each face has `"embedding"` and `"model_id"` too.
[[nodiscard]] json::object to_json(const PhotoFaces& photo, EmbeddingsInJson embeddings);

/// `{"width_px","height_px","model_id","faces":[{"box","detection_score","landmarks","quality",
/// "decision":"match"|"ambiguous"|"unknown","person":name or null,"similarity":number or null,
/// "match_threshold","extrapolated","too_small","candidates":[{"person","similarity","reference",
/// "reference_similarity"}]}]}`. `person` is named for a match only; `similarity` is the nearest's.
/// Where the snapshot comes from a database, people and photos have their `person_id` and
/// `reference_photo_id` too.
[[nodiscard]] json::object to_json(const IdentifyReport& report);

/// `{"person","similarity","decision":"match"|"no_match","match_threshold","false_match_rate",
/// "extrapolated","model_id","reference","reference_similarity","face":{..}}`
[[nodiscard]] json::object to_json(const VerifyReport& report);

/// `{"similarity","decision":"match"|"no_match","match_threshold","false_match_rate",
/// "extrapolated","model_id","faces":[first, second]}`
[[nodiscard]] json::object to_json(const CompareReport& report);

/// `{"width_px","height_px","model_id","person_count","false_positive_identification_rate",
/// "match_threshold","false_match_rate","extrapolated","faces":[{"track_id","seen_for_ms","box",
/// "velocity","detection_score","landmarks","quality","too_small","decision":"undecided"|"match"|
/// "ambiguous"|"unknown","person","similarity","candidates"}],"look_count","times":{"decode_ms",..}}`
/// `person`, `similarity` and `candidates` as for an IdentifyReport.
[[nodiscard]] json::object to_json(const WatchReport& report);

}  // namespace faceforge::recognition
