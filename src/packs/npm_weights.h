#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"

namespace faceforge::packs {

/// The weights of a TensorFlow.js model by name, in TensorFlow's own layouts (convolutions HWIO).
using NpmWeights = std::map<std::string, nn::Tensor, std::less<>>;

/// Reads the weights of a TensorFlow.js model: a manifest that names tensors, and their bytes
/// packed back to back in its order.
///
/// in:    `manifest` the JSON of `*-weights_manifest.json`; `bytes` its one binary file
/// out:   float32 tensors; one byte an element is brought back as q * scale + min. Integer tensors
///        (left over from training) are skipped.
/// fails: invalid_input/weights_manifest_malformed naming the entry;
///        unsupported/weights_type_unsupported; corrupt/weights_file_size when the tensors do not
///        fill the file exactly; corrupt/weight_not_finite naming the tensor;
///        too_large/weights_too_large above 256 MB
/// source: TensorFlow.js `decodeWeights`
[[nodiscard]] Result<NpmWeights> parse_npm_weights(std::string_view manifest,
                                                   std::span<const std::byte> bytes);

/// Reads `folder`/`model_name`-weights_manifest.json and the binary file that it names.
///
/// fails: as parse_npm_weights and read_file; invalid_input/weights_manifest_malformed when the
///        binary file lies outside the folder or there are several
[[nodiscard]] Result<NpmWeights> read_npm_weights(const std::filesystem::path& folder,
                                                  const std::string& model_name);

}  // namespace faceforge::packs
