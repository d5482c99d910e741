#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "face/embedding.h"
#include "gallery/gallery_model.h"

namespace faceforge::gallery {

/// A person that a face may be, and the enrolled photo that looks most like it.
struct Candidate {
  size_t person_index = 0;                 ///< in the snapshot
  std::string person{};                    ///< name
  std::optional<PersonId> person_id{};     ///< nothing when the snapshot comes from a file
  float similarity = 0;                    ///< to the person's template: `TemplateSum::similarity`
  std::optional<std::string> reference{};  ///< file name; nothing when the file holds none
  std::optional<PhotoId> reference_photo_id{};
  std::optional<float> reference_similarity{};  ///< of the face to that photo
};

/// A trained gallery ready for search. Immutable; shared between threads by
/// `std::shared_ptr<const Snapshot>`.
class Snapshot {
 public:
  /// Fails on nothing: a GalleryModel that breaks its own rules is a bug (a CHECK); files are
  /// checked when they are read.
  explicit Snapshot(const GalleryModel& model);
  ~Snapshot();
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;

  /// Of the pack whose embeddings are asked about.
  [[nodiscard]] const face::ModelId& model_id() const;

  /// Of the space in which faces are compared: that of the personal head, where there is one.
  [[nodiscard]] const face::ModelId& space_id() const;
  [[nodiscard]] bool has_head() const { return space_id() != model_id(); }
  [[nodiscard]] face::Metric metric() const;
  [[nodiscard]] const std::string& pack_id() const;
  [[nodiscard]] size_t person_count() const;
  /// Of `space_id`.
  [[nodiscard]] const std::optional<face::Calibration>& calibration() const;

  /// The one to decide by, on a server as on the command line: what the gallery was trained with,
  /// for what was promised then holds as long as it answers (docs/decisions/0027); where that is
  /// none, that of the engine in use, which may have been calibrated since. No other can stand for
  /// that of a head, which always has one.
  ///
  /// in: `engine_calibration` of `model_id`
  [[nodiscard]] const std::optional<face::Calibration>& calibration_beside(
      const std::optional<face::Calibration>& engine_calibration) const;

  /// A face as it is compared here: through the personal head, where there is one.
  ///
  /// in:    an embedding of `model_id`; one of `space_id` comes out as it is
  /// fails: conflict/model_mismatch, naming both models
  [[nodiscard]] Result<face::Embedding> in_space(const face::Embedding& embedding) const;

  /// A person by their place, 0 to person_count() - 1 (a CHECK); their photos likewise.
  ///
  /// out: `person_id` and `photo_id` are nothing when the snapshot comes from a file

  [[nodiscard]] std::optional<PersonId> person_id(size_t person_index) const;
  [[nodiscard]] size_t reference_count(size_t person_index) const;
  /// An embedding of `space_id`.
  [[nodiscard]] std::span<const float> reference(size_t person_index, size_t reference_index) const;
  [[nodiscard]] std::optional<PhotoId> photo_id(size_t person_index, size_t reference_index) const;

  /// out: the place of a person; nothing when the snapshot does not know them
  [[nodiscard]] std::optional<size_t> find(PersonId person) const;

  /// Bytes held, for caches.
  [[nodiscard]] size_t memory_bytes() const;

  /// Most candidates of one question.
  static constexpr size_t kMaxCandidates = 100;

  /// Finds the people whose templates are most similar.
  ///
  /// in:    an embedding as for `in_space`; `count` at most kMaxCandidates (a CHECK)
  /// out:   at most `count` people by falling similarity; of equals the one added first
  /// fails: conflict/model_mismatch, naming both models; invalid_input/embedding_not_finite
  [[nodiscard]] Result<std::vector<Candidate>> nearest(const face::Embedding& embedding,
                                                       size_t count) const;

  /// Compares with one person only.
  ///
  /// fails: conflict/model_mismatch; not_found/person_not_trained when the snapshot does not know
  ///        them
  [[nodiscard]] Result<Candidate> compare(const face::Embedding& embedding,
                                          std::string_view person) const;
  [[nodiscard]] Result<Candidate> compare(const face::Embedding& embedding, PersonId person) const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

}  // namespace faceforge::gallery
