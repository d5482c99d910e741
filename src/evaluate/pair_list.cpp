#include "evaluate/pair_list.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/file.h"

namespace faceforge::evaluate {
namespace {

constexpr int kMaxPhotoNumber = 9999;  // LFW writes four digits

/// Walks over the lines of a text and remembers where it is, for the errors.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  [[nodiscard]] std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    ++number_;
    const size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  [[nodiscard]] size_t number() const { return number_; }

 private:
  std::string_view rest_;
  size_t number_ = 0;
};

template <typename... Args>
Unexpected malformed(const Lines& lines, fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::InvalidInput, "pair_list_malformed", "line {}: {}", lines.number(),
              fmt::format(format, std::forward<Args>(args)...));
}

std::vector<std::string_view> words_of(std::string_view line) {
  const bool tabs = line.find('\t') != std::string_view::npos;
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = line.find(tabs ? '\t' : ' ');
    if (tabs || end != 0) words.push_back(line.substr(0, end));
    line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
  }
  return words;
}

std::optional<int> whole_number(std::string_view word) {
  int number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

Result<PhotoName> photo_name(std::string_view person, std::string_view number,
                             const PairListLimits& limits, const Lines& lines) {
  if (person.empty() || person.size() > limits.person_name_bytes) {
    return malformed(lines, "a person's name has {} bytes; 1 to {} are allowed", person.size(),
                     limits.person_name_bytes);
  }
  // The name becomes part of a path, and must not lead out of the folder of images.
  if (person == "." || person == ".." || person.find_first_of({"/\0", 2}) != person.npos) {
    return malformed(lines, "a person's name must be a plain folder name");
  }
  const auto parsed = whole_number(number);
  if (!parsed || *parsed < 1 || *parsed > kMaxPhotoNumber) {
    return malformed(lines, "`{}` is no photo number from 1 to {}", number.substr(0, 20),
                     kMaxPhotoNumber);
  }
  return PhotoName{std::string(person), *parsed};
}

Result<Pair> genuine_pair(const std::vector<std::string_view>& words, const PairListLimits& limits,
                          const Lines& lines) {
  if (words.size() != 3) {
    return malformed(lines, "{} words; a genuine pair has 3: person, number, number", words.size());
  }
  auto first = TRY(photo_name(words[0], words[1], limits, lines));
  auto second = TRY(photo_name(words[0], words[2], limits, lines));
  return Pair{.first = std::move(first), .second = std::move(second), .kind = PairKind::Genuine};
}

Result<Pair> impostor_pair(const std::vector<std::string_view>& words, const PairListLimits& limits,
                           const Lines& lines) {
  if (words.size() != 4) {
    return malformed(lines, "{} words; an impostor pair has 4: person, number, person, number",
                     words.size());
  }
  if (words[0] == words[2]) return malformed(lines, "an impostor pair of one and the same person");
  auto first = TRY(photo_name(words[0], words[1], limits, lines));
  auto second = TRY(photo_name(words[2], words[3], limits, lines));
  return Pair{.first = std::move(first), .second = std::move(second), .kind = PairKind::Impostor};
}

struct Header {
  int fold_count = 0;
  int pairs_per_kind = 0;
};

Result<Header> parse_header(std::string_view line, const PairListLimits& limits,
                            const Lines& lines) {
  const auto words = words_of(line);
  if (words.size() != 2) {
    return malformed(lines, "the first line must hold two numbers: folds, and pairs of each kind");
  }
  const auto folds = whole_number(words[0]);
  const auto pairs = whole_number(words[1]);
  if (!folds || *folds < 1 || *folds > limits.fold_count) {
    return malformed(lines, "`{}` is no number of folds from 1 to {}", words[0].substr(0, 20),
                     limits.fold_count);
  }
  if (!pairs || *pairs < 1 || *pairs > limits.pair_count / *folds / 2) {
    return malformed(lines, "`{}` is no number of pairs from 1 to {}", words[1].substr(0, 20),
                     limits.pair_count / *folds / 2);
  }
  return Header{*folds, *pairs};
}

}  // namespace

Result<PairList> parse_pair_list(std::string_view text, const PairListLimits& limits) {
  if (text.size() > limits.file_bytes) {
    return fail(ErrorCode::TooLarge, "pair_list_too_large", "{} bytes; the limit is {}",
                text.size(), limits.file_bytes);
  }
  Lines lines(text);
  const Header header = TRY(parse_header(lines.next().value_or(""), limits, lines));
  PairList list{.fold_count = header.fold_count, .pairs = {}};
  for (int fold_index = 0; fold_index < header.fold_count; ++fold_index) {
    for (int pair_index = 0; pair_index < 2 * header.pairs_per_kind; ++pair_index) {
      const auto line = lines.next();
      if (!line) {
        return malformed(lines, "the list ends in fold {}; {} folds of {} + {} pairs were promised",
                         fold_index + 1, header.fold_count, header.pairs_per_kind,
                         header.pairs_per_kind);
      }
      const auto words = words_of(*line);
      Pair pair = TRY(pair_index < header.pairs_per_kind ? genuine_pair(words, limits, lines)
                                                         : impostor_pair(words, limits, lines));
      pair.fold_index = fold_index;
      list.pairs.push_back(std::move(pair));
    }
  }
  while (const auto line = lines.next()) {
    if (!words_of(*line).empty())
      return malformed(lines, "more lines than the first line promised");
  }
  return list;
}

Result<PairList> read_pair_list(const std::filesystem::path& file, const PairListLimits& limits) {
  const std::string text = TRY(read_text_file(file, limits.file_bytes));
  auto list = parse_pair_list(text, limits);
  if (!list) list.error().message = fmt::format("{}: {}", file.string(), list.error().message);
  return list;
}

std::set<std::string> people_of(const PairList& list) {
  std::set<std::string> people;
  for (const Pair& pair : list.pairs) {
    people.insert(pair.first.person);
    people.insert(pair.second.person);
  }
  return people;
}

Result<std::filesystem::path> photo_file(const std::filesystem::path& images,
                                         const PhotoName& name) {
  constexpr std::array<std::string_view, 4> kEndings{".jpg", ".jpeg", ".png", ".webp"};
  const auto stem = images / name.person / fmt::format("{}_{:04}", name.person, name.number);
  for (const std::string_view ending : kEndings) {
    auto candidate = stem;
    candidate += ending;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate;
  }
  return fail(ErrorCode::NotFound, "photo_missing", "there is no `{}.jpg`", stem.string());
}

}  // namespace faceforge::evaluate
