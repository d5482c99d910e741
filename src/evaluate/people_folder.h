#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluate/photo_embeddings.h"
#include "face/embedding.h"
#include "vision/pipeline.h"

namespace faceforge::evaluate {

/// Photos that one call looks at: their pairs are 450 million, a minute or two.
inline constexpr size_t kPeoplePhotoLimit = 30'000;

/// The photos of one person that gave a face.
struct PersonEmbeddings {
  std::string name;
  std::vector<std::string> photos;          ///< file names, beside `embeddings`
  std::vector<face::Embedding> embeddings;  ///< all of one ModelId
};

/// What a folder of `PERSON/PHOTO` gave.
struct PeopleEmbeddings {
  std::vector<PersonEmbeddings> people;
  std::vector<std::string> faceless;  ///< photos in which no face was found
  std::vector<std::string> unusable;  ///< photos that could not be read, and why
};

/// What lies below a folder of `PERSON/PHOTO`, in the order of names.
struct PeopleFolder {
  struct Photo {
    size_t person_index = 0;
    std::string name;  ///< `PERSON/PHOTO`
  };
  std::vector<std::string> people;
  std::vector<Photo> photos;
  std::vector<std::filesystem::path> files;  ///< beside `photos`
};

/// Lists the photos of `images` but those of the people in `excluded_people`.
///
/// fails:  as list_person_folders; not_found/no_photos
[[nodiscard]] Result<PeopleFolder> list_people(const std::filesystem::path& images,
                                               const std::set<std::string>& excluded_people);

/// Embeds the central face of every photo of `images` (`PERSON/PHOTO`) but those of the people in
/// `excluded_people`, in the order of names.
///
/// fails:  as `list_people`; cancelled/cancelled
[[nodiscard]] Result<PeopleEmbeddings> embed_people(const vision::Pipeline& pipeline,
                                                    const std::filesystem::path& images,
                                                    const std::set<std::string>& excluded_people,
                                                    const Supervision& supervision);

}  // namespace faceforge::evaluate
