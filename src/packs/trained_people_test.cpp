#include "packs/trained_people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/sha256.h"
#include "packs/combine.h"
#include "packs/internal/tiny_pack.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TrainedPeopleOfAPack : public testing::Test {
 protected:
  /// A pack whose network was trained on `names`, as its card says.
  PackEntry trained(const std::string& id, float weight, const std::vector<std::string>& names,
                    unsigned char salt) {
    const fs::path folder = folder_.path() / id;
    Card card = test_support::write_tiny_pack(folder, {.id = id, .weight = weight});
    const crops::PersonSalt person_salt{std::byte{salt}};
    const std::string lines = crops::to_hash_lines(crops::TrainedPeople(person_salt, names));
    EXPECT_TRUE(write_file_atomically(folder / "people.txt", lines));
    card.files.push_back({.path = "people.txt",
                          .sha256 = to_hex(sha256(lines)),
                          .size_bytes = static_cast<int64_t>(lines.size())});
    card.trained_people.push_back({.path = "people.txt", .salt = person_salt});
    EXPECT_TRUE(write_card(card, folder));
    const auto read = read_card(folder);
    EXPECT_TRUE(read) << read.error().message;
    return {.card = *read, .state = PackState::Installed, .folder = folder};
  }

  test::TemporaryFolder folder_;
};

TEST_F(TrainedPeopleOfAPack, AreReadFromTheFileThatItsCardNames) {
  const auto people = read_trained_people(trained("a", 0.01F, {"Ann", "Bob"}, 1));
  ASSERT_TRUE(people) << people.error().message;
  ASSERT_EQ(people->size(), 1U);
  EXPECT_EQ(people->front().count(), 2U);
  EXPECT_TRUE(people->front().contains("Ann"));
  EXPECT_FALSE(people->front().contains("Cid"));
}

TEST_F(TrainedPeopleOfAPack, NobodyWroteDownAreNone) {
  const fs::path folder = folder_.path() / "plain";
  const Card card = test_support::write_tiny_pack(folder);
  const auto people =
      read_trained_people({.card = card, .state = PackState::Installed, .folder = folder});
  EXPECT_TRUE(people.value().empty());
}

TEST_F(TrainedPeopleOfAPack, AFileThatIsMissingOrDamagedIsNamed) {
  const PackEntry pack = trained("a", 0.01F, {"Ann"}, 1);
  ASSERT_TRUE(write_file_atomically(pack.folder / "people.txt", std::string_view("Ann\n")));
  const auto damaged = read_trained_people(pack);
  EXPECT_EQ(damaged.error().reason, "trained_people_malformed");
  EXPECT_THAT(damaged.error().message, HasSubstr("people.txt"));
  fs::remove(pack.folder / "people.txt");
  EXPECT_EQ(read_trained_people(pack).error().reason, "pack_file_missing");
}

TEST_F(TrainedPeopleOfAPack, ACombinationKnowsThoseOfBoth) {
  const PackEntry one = trained("a", 0.01F, {"Ann"}, 1), two = trained("b", 0.02F, {"Bob"}, 2);
  const auto plan = plan_combination(one, two, "both");
  ASSERT_TRUE(plan) << plan.error().message;
  const fs::path folder = folder_.path() / "both";
  const std::vector<EmbedderFit> fits(2);
  const auto card = write_combination(*plan, fits, face::Metric::Cosine, folder);
  ASSERT_TRUE(card) << card.error().message;
  const auto people =
      read_trained_people({.card = *card, .state = PackState::Installed, .folder = folder});
  ASSERT_TRUE(people) << people.error().message;
  ASSERT_EQ(people->size(), 2U);
  EXPECT_TRUE((*people)[0].contains("Ann"));
  EXPECT_TRUE((*people)[1].contains("Bob"));
}

TEST_F(TrainedPeopleOfAPack, ACardSaysWhatIsWrongWithThem) {
  const PackEntry pack = trained("a", 0.01F, {"Ann"}, 1);
  const auto refusal = [&](std::string_view text, std::string_view other) {
    std::string written = to_text(pack.card);
    const size_t place = written.rfind(text);
    EXPECT_NE(place, std::string::npos) << written;
    written.replace(place, text.size(), other);
    const auto card = parse_card(written);
    return card ? "" : card.error().message;
  };
  EXPECT_EQ(refusal("people.txt", "people.txt"), "");
  EXPECT_THAT(refusal("people.txt", "others.txt"), HasSubstr("trained_people[0].file` names"));
  EXPECT_THAT(refusal("\"01000000", "\"0100000"), HasSubstr("trained_people[0].salt` must be"));
}

}  // namespace
}  // namespace faceforge::packs
