#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "nn/tensor.h"
#include "nn/writer.h"

namespace faceforge::packs {

/// The weights of a TensorFlow.js model by name, in TensorFlow's own layouts (convolutions HWIO).
using NpmWeights = std::map<std::string, nn::Tensor, std::less<>>;

/// All tensors of a TensorFlow.js model by name: weights, and the integers that say how (axes,
/// shapes, paddings). A name is in one of the two.
struct NpmTensors {
  NpmWeights floats;
  std::map<std::string, nn::IntegerTensor, std::less<>> integers;
};

/// Reads the tensors of a TensorFlow.js model: a manifest whose groups name tensors, and their
/// bytes packed back to back in its order.
///
/// in:    `manifest` an array of groups of `paths` and `weights`; `bytes` all their files, joined
/// out:   float32 as stored, widened from float16, or brought back from one or two bytes an element
///        as q * scale + min; int32 as stored or rounded from the same; bool as 0 and 1
/// fails: invalid_input/weights_manifest_malformed naming the entry;
///        unsupported/weights_type_unsupported; corrupt/weights_file_size when the tensors do not
///        fill the bytes exactly; corrupt/weight_not_finite naming the tensor;
///        too_large/weights_too_large above 256 MB
/// source: TensorFlow.js `decodeWeights`
[[nodiscard]] Result<NpmTensors> parse_npm_tensors(const json::value& manifest,
                                                   std::span<const std::byte> bytes);

/// Reads the files that a manifest names in `folder`, group by group.
///
/// fails: as parse_npm_tensors, each group's files against its own tensors, and read_file;
///        invalid_input/weights_manifest_malformed when a file lies outside the folder
[[nodiscard]] Result<NpmTensors> read_npm_tensors(const json::value& manifest,
                                                  const std::filesystem::path& folder);

/// As parse_npm_tensors, for the weights alone.
///
/// in:    `manifest` the JSON of `*-weights_manifest.json`
[[nodiscard]] Result<NpmWeights> parse_npm_weights(std::string_view manifest,
                                                   std::span<const std::byte> bytes);

/// Reads `folder`/`model_name`-weights_manifest.json and the files that it names, for the weights
/// alone: integers are left over from training.
///
/// fails: as read_npm_tensors and read_file
[[nodiscard]] Result<NpmWeights> read_npm_weights(const std::filesystem::path& folder,
                                                  const std::string& model_name);

}  // namespace faceforge::packs
