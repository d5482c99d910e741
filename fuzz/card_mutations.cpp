// Reads damaged cards of packs: faceforge_fuzz_card [COUNT] [SEED]
//
// Takes the cards of models/ and mutates their bytes, or what their fields say. A card that is read
// must be written and read again as it is.

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "json_mutation.h"
#include "packs/card.h"
#include "reader.h"
#include "support/test_data.h"

namespace faceforge {
namespace {

namespace fs = std::filesystem;
using fuzz::Bytes;

std::vector<Bytes> cards() {
  std::vector<fs::path> files;
  for (const auto& folder : fs::directory_iterator(test::source_folder() / "models")) {
    const fs::path card = folder.path() / packs::kCardFileName;
    if (fs::exists(card)) files.push_back(card);
  }
  std::ranges::sort(files);  // the order of a folder is not the same everywhere
  std::vector<Bytes> texts;
  for (const fs::path& file : files) texts.push_back(read_file(file, 1 << 20).value());
  return texts;
}

Error read(const Bytes& file) {
  const auto card = packs::parse_card(fuzz::to_text(file));
  if (!card) return card.error();
  const std::string text = packs::to_text(*card);
  const auto again = packs::parse_card(text);
  CHECK_MSG(again.has_value(), again ? "" : again.error().message);
  CHECK(packs::to_text(*again) == text);
  if (packs::model_id(*card)) (void)packs::pipeline_spec(*card, "/nowhere");
  return {};
}

}  // namespace
}  // namespace faceforge

int main(int argc, char** argv) {
  using faceforge::fuzz::Bytes;
  return faceforge::fuzz::fuzz_readers(
      {{.name = "card",
        .originals = faceforge::cards(),
        .documented = {"card_too_large", "card_malformed", "card_version", "card_invalid"},
        .read = faceforge::read,
        .change_meaning =
            [](const Bytes& card, std::mt19937_64& random) {
              return faceforge::fuzz::to_bytes(
                  faceforge::fuzz::JsonMutator(random)(faceforge::fuzz::to_text(card)));
            }}},
      argc, argv);
}
