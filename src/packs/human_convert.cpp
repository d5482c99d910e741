#include "packs/human_convert.h"

#include "packs/graph_model.h"
#include "packs/graph_model_convert.h"

namespace faceforge::packs {

Result<std::vector<std::byte>> build_human_faceres(const std::filesystem::path& package_folder) {
  const GraphModel model = TRY(read_graph_model(package_folder / "models/faceres.json"));
  return convert_graph_model(model, "faceres",
                             {{.tensor = "global_pooling/Mean", .name = "descriptor"}});
}

Result<std::vector<std::byte>> build_human_blazeface(const std::filesystem::path& package_folder) {
  const GraphModel model = TRY(read_graph_model(package_folder / "models/blazeface.json"));
  return convert_graph_model(model, "blazeface",
                             {{.tensor = "Identity", .name = "scores_16"},
                              {.tensor = "Identity_1", .name = "scores_32"},
                              {.tensor = "Identity_2", .name = "boxes_16"},
                              {.tensor = "Identity_3", .name = "boxes_32"}});
}

}  // namespace faceforge::packs
