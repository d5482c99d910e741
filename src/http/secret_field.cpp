#include "http/secret_field.h"

#include "base/wiped_json.h"

namespace faceforge::http {

Result<crypto::Secret> secret_field(const json::object& from, std::string_view name) {
  return crypto::Secret::copy_of(TRY(json::text_field(from, name)));
}

}  // namespace faceforge::http
