// Converts damaged graph models of TensorFlow.js: faceforge_fuzz_graph [COUNT] [SEED]
//
// Takes the small graphs that the tests of every operator use, and mutates their bytes, what their
// JSON says, or their weights. What is converted is loaded too.

#include <algorithm>
#include <cstring>

#include "json_mutation.h"
#include "nn/network.h"
#include "packs/graph_model_convert.h"
#include "packs/internal/operator_test_cases.h"
#include "reader.h"

namespace faceforge {
namespace {

using fuzz::Bytes;
using packs::test_support::OperatorCase;

constexpr nn::LoadLimits kLimits{.file_bytes = size_t{16} << 20,
                                 .node_count = 2000,
                                 .elements_per_tensor = size_t{1} << 20,
                                 .weight_bytes = size_t{16} << 20,
                                 .activation_bytes = size_t{16} << 20};

/// A graph as one file: the JSON, a zero byte, the weights.
Bytes joined(std::string_view json, const Bytes& weights) {
  Bytes file = fuzz::to_bytes(json);
  file.push_back({});
  file.insert(file.end(), weights.begin(), weights.end());
  return file;
}

struct Parts {
  std::string_view json;
  std::span<const std::byte> weights;
};

Parts parts_of(const Bytes& file) {
  const auto end = std::ranges::find(file, std::byte{});
  const auto length = static_cast<size_t>(end - file.begin());
  return {.json = fuzz::to_text(file).substr(0, length),
          .weights = std::span(file).subspan(std::min(length + 1, file.size()))};
}

std::vector<Bytes> graphs() {
  std::vector<Bytes> files;
  for (const auto& cases :
       {packs::test_support::layer_cases(), packs::test_support::elementwise_cases(),
        packs::test_support::movement_cases()}) {
    // One of each name's first word, which is the operator's.
    std::string last;
    for (const OperatorCase& one : cases) {
      const std::string first = one.name.substr(0, one.name.find('_'));
      if (first != last) files.push_back(joined(one.graph.json(), one.graph.bytes()));
      last = first;
    }
  }
  return files;
}

Error read(const Bytes& file) {
  const Parts parts = parts_of(file);
  const auto model = packs::parse_graph_model(parts.json, parts.weights);
  if (!model) return model.error();
  const auto bytes = packs::convert_graph_model(*model, "graph", {{.tensor = "y", .name = "out"}});
  if (!bytes) return bytes.error();
  const auto network = nn::Network::parse(*bytes, kLimits);
  // Whether a mutated graph can still run is the engine's to say; that it says so is enough.
  const bool is_refused = !network && network.error().reason != "out_of_memory" &&
                          network.error().reason != "engine_failed";
  return network || is_refused ? Error{} : network.error();
}

Bytes change_meaning(const Bytes& file, std::mt19937_64& random) {
  const Parts parts = parts_of(file);
  Bytes weights(parts.weights.begin(), parts.weights.end());
  if (random() % 4 != 0 || weights.size() < sizeof(int32_t)) {
    return joined(fuzz::JsonMutator(random)(parts.json), weights);
  }
  // Integers say how: axes, sizes, borders.
  constexpr int32_t kNumbers[] = {0, 1, -1, 2, 3, 7, 1000, 65536, 1 << 28, INT32_MAX, INT32_MIN};
  const int32_t number = kNumbers[random() % std::size(kNumbers)];
  std::memcpy(weights.data() + random() % (weights.size() / sizeof number) * sizeof number, &number,
              sizeof number);
  return joined(parts.json, weights);
}

}  // namespace
}  // namespace faceforge

int main(int argc, char** argv) {
  return faceforge::fuzz::fuzz_readers(
      {{.name = "graph",
        .originals = faceforge::graphs(),
        .documented = {"graph_model_too_large", "graph_model_malformed", "graph_model_format",
                       "graph_operator_unsupported", "graph_output_missing", "graph_cyclic",
                       "graph_node_missing", "graph_tensor_too_large", "weight_missing",
                       "weights_manifest_malformed", "weights_type_unsupported",
                       "weights_file_size", "weight_not_finite", "weights_too_large"},
        .read = faceforge::read,
        .change_meaning = faceforge::change_meaning}},
      argc, argv);
}
