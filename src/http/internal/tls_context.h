#pragma once

#include <optional>

#include <boost/asio/ssl/context.hpp>

#include "base/result.h"
#include "http/transport.h"

namespace faceforge::http {

/// Makes a context for TLS 1.2 and later with the server's certificate and key.
///
/// fails: invalid_input/tls_files when the certificate or the key cannot be used
[[nodiscard]] Result<void> load_tls(std::optional<boost::asio::ssl::context>& context,
                                    const TlsFiles& files);

}  // namespace faceforge::http
