#include "http/error_response.h"
#include "http/handlers.h"
#include "recognition/recognition.h"
#include "store/database.h"

namespace faceforge::http {

Result<Response> get_health(const Call&) {
  return json_response(200, json::object{{"status", "ok"}});
}

Result<Response> get_readiness(const Call& call) {
  if (call.services.recognition.engine() == nullptr) {
    return fail(ErrorCode::Busy, "no_pack", "no model pack is loaded");
  }
  const auto answered = call.services.database.read(
      [](store::Transaction& transaction) { return transaction.query("select 1"); });
  if (!answered) return fail(ErrorCode::Busy, "database_unready", "the database does not answer");
  return json_response(200, json::object{{"status", "ok"}});
}

}  // namespace faceforge::http
