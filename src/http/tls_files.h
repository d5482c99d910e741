#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "http/transport.h"

namespace faceforge::http {

/// Checks that a certificate and its key can be used, as Transport::start does.
///
/// out:   when the server's own certificate expires
/// fails: invalid_input/tls_files
[[nodiscard]] Result<UnixTime_ms> tls_expiry(const TlsFiles& files);

}  // namespace faceforge::http
