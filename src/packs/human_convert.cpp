#include "packs/human_convert.h"

#include <vector>

#include "base/file.h"
#include "packs/graph_model.h"
#include "packs/graph_model_convert.h"
#include "packs/internal/npm_package.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

/// Converts `package_folder`/models/`name`.json into `destination`/`name`.onnx.
Result<void> convert(const fs::path& package_folder, const std::string& name,
                     const std::vector<GraphOutput>& outputs, const fs::path& destination) {
  const GraphModel model = TRY(read_graph_model(package_folder / "models" / (name + ".json")));
  const auto bytes = TRY(convert_graph_model(model, name, outputs));
  return write_file_atomically(destination / (name + ".onnx"), bytes);
}

}  // namespace

Result<void> convert_human_faceres(const fs::path& package_folder, const std::string& package,
                                   const std::string& version, const fs::path& destination) {
  TRY(check_npm_package(package_folder, package, version));
  return convert(package_folder, "faceres",
                 {{.tensor = "global_pooling/Mean", .name = "descriptor"}}, destination);
}

Result<void> convert_human_blazeface(const fs::path& package_folder, const std::string& package,
                                     const std::string& version, const fs::path& destination) {
  TRY(check_npm_package(package_folder, package, version));
  return convert(package_folder, "blazeface",
                 {{.tensor = "Identity", .name = "scores_16"},
                  {.tensor = "Identity_1", .name = "scores_32"},
                  {.tensor = "Identity_2", .name = "boxes_16"},
                  {.tensor = "Identity_3", .name = "boxes_32"}},
                 destination);
}

}  // namespace faceforge::packs
