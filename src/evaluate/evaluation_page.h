#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "evaluate/evaluation.h"
#include "vision/pipeline.h"

namespace faceforge::evaluate {

/// Aligned crops of photos as addresses for HTML, by index.
using PagePictures = std::map<size_t, std::string>;

/// Reads the photos of a report's worst pairs again, for its page: small crops, nothing else of
/// them.
///
/// in:    `images` the folder that the report is of
/// out:   without the photos that can no longer be read
/// fails: cancelled/cancelled
[[nodiscard]] Result<PagePictures> pictures_of(const EvaluationReport& report,
                                               const vision::Pipeline& pipeline,
                                               const std::filesystem::path& images,
                                               const Supervision& supervision);

/// A report as one self-contained page with plots. Embeddings are not in it.
///
/// in: `plot_script` as `plot_page`
[[nodiscard]] std::string evaluation_page(const EvaluationReport& report,
                                          const PagePictures& pictures,
                                          std::string_view plot_script);

}  // namespace faceforge::evaluate
