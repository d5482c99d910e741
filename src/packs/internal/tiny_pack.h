#pragma once

#include <filesystem>
#include <string>

#include "packs/card.h"

/// A pack of a few kilobytes that loads and runs, for tests that want no test data.
namespace faceforge::packs::test_support {

struct TinyPack {
  std::string id = "tiny";
  LicenceKind licence_kind = LicenceKind::Permissive;
  double accuracy = 0.9;
  float weight = 0.01F;  ///< of the embedder: another weight is another model
};

/// Which of the card's knowledge about its files is written.
enum class KnownHashes { All, None };

/// Writes `detector.onnx`, `nets/contour.onnx`, `nets/embedder.onnx` and `card.json` into `folder`,
/// which is made. Returns the card with everything filled in.
Card write_tiny_pack(const std::filesystem::path& folder, const TinyPack& pack = {},
                     KnownHashes hashes = KnownHashes::All);

}  // namespace faceforge::packs::test_support
