#include "packs/trained_people.h"

#include "base/file.h"

namespace faceforge::packs {
namespace {

constexpr size_t kMaxFileBytes = 33 * (crops::kMaxTrainedPeople + 1);  // a line each

}  // namespace

Result<std::vector<crops::TrainedPeople>> read_trained_people(const PackEntry& pack) {
  if (pack.fault) return Unexpected(*pack.fault);
  std::vector<crops::TrainedPeople> all;
  for (const TrainedPeopleFile& file : pack.card.trained_people) {
    const auto path = pack.folder / file.path;
    const auto text = read_text_file(path, kMaxFileBytes);
    if (!text && text.error().code == ErrorCode::NotFound) {
      return fail(ErrorCode::NotFound, "pack_file_missing", "the pack {} has no file {}",
                  pack.card.id, path.string());
    }
    if (!text) return Unexpected(text.error());
    auto people = crops::parse_hash_lines(file.salt, *text);
    if (!people) {
      people.error().message = path.string() + ": " + people.error().message;
      return Unexpected(people.error());
    }
    all.push_back(std::move(*people));
  }
  return all;
}

}  // namespace faceforge::packs
