#pragma once

#include <string>

#include "net/download.h"
#include "net/internal/part_file.h"

namespace faceforge::net::internal {

/// Judges a URL without connecting anywhere.
///
/// fails: invalid_input/url_invalid
[[nodiscard]] Result<void> check_url(const std::string& url);

/// Asks once for what `part` lacks of `url`, and appends it. When the server has another file now,
/// or cannot resume, `part` starts again.
///
/// fails: busy/download_interrupted where another attempt makes sense; otherwise as download()
[[nodiscard]] Result<void> transfer(const std::string& url, PartFile& part,
                                    const DownloadOptions& options);

}  // namespace faceforge::net::internal
