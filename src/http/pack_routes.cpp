#include <algorithm>

#include "http/error_response.h"
#include "http/handlers.h"
#include "http/to_json.h"
#include "packs/recommend.h"
#include "packs/registry.h"
#include "recognition/recognition.h"

namespace faceforge::http {
namespace {

/// The packs on this machine, best first.
Result<std::vector<packs::PackEntry>> packs_here(const Call& call) {
  auto packs = TRY(call.services.packs.list());
  std::erase_if(packs, [](const packs::PackEntry& pack) {
    return pack.state == packs::PackState::NotInstalled;
  });
  return packs;
}

PackUse use_of(const Call& call, const packs::PackEntry& pack) {
  return pack.card.id == call.services.recognition.engine()->pack_id() ? PackUse::InUse
                                                                       : PackUse::Idle;
}

json::object to_json(const packs::Recommendation& recommendation) {
  json::array packs;
  for (const packs::Suggestion& suggestion : recommendation.suggestions) {
    const packs::Card& card = suggestion.card;
    packs.push_back(
        json::object{{"id", card.id},
                     {"name", card.name},
                     {"licence", json::object{{"label", card.licence.label},
                                              {"kind", packs::to_string(card.licence.kind)}}},
                     {"accuracy", card.measured_accuracy->accuracy},
                     {"embedding_length", vision::embedding_length(card.embedders)},
                     {"command", suggestion.command},
                     {"note", suggestion.note}});
  }
  return {{"in_use", recommendation.in_use},
          {"summary", recommendation.summary},
          {"packs", std::move(packs)}};
}

}  // namespace

Result<Response> list_packs(const Call& call) {
  json::array written;
  for (const auto& pack : TRY(packs_here(call))) {
    written.emplace_back(to_json(pack, use_of(call, pack)));
  }
  return json_response(200, json::object{{"packs", std::move(written)}});
}

Result<Response> get_default_pack(const Call& call) {
  for (const auto& pack : TRY(packs_here(call))) {
    if (use_of(call, pack) == PackUse::InUse) {
      return json_response(200, to_json(pack, PackUse::InUse));
    }
  }
  return fail(ErrorCode::NotFound, "pack_unknown", "the pack in use was removed from the disk");
}

Result<Response> get_pack_recommendation(const Call& call) {
  const auto entries = TRY(call.services.packs.list());
  const auto made = packs::recommend(entries, call.services.recognition.engine()->pack_id());
  return json_response(200, json::object{{"recommendation", made ? json::value(to_json(*made))
                                                                 : json::value(nullptr)}});
}

}  // namespace faceforge::http
