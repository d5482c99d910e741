#pragma once

#include <filesystem>

namespace faceforge::cli {

/// Where the built pages are: what `FACEFORGE_WEB` names; else the first that has an `index.html`
/// of `web/dist` in the source tree that the program was built in (`ROOT/build/PRESET/bin`) and
/// `share/faceforge/web` beside the `bin` that it was installed in; else none, "".
///
/// in: `program` the executable's own path
[[nodiscard]] std::filesystem::path find_web_folder(const std::filesystem::path& program);

/// `find_web_folder` of the running program.
[[nodiscard]] std::filesystem::path default_web_folder();

}  // namespace faceforge::cli
