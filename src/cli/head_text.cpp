#include "cli/head_text.h"

#include "cli/console.h"

namespace faceforge::cli {
namespace {

std::vector<std::string> row(const std::string& title, const gallery::HeadAnswers& answers,
                             int64_t photo_count) {
  const auto interval = gallery::rate_interval(answers.confused_count, photo_count);
  const double rate = photo_count == 0 ? 0
                                       : static_cast<double>(answers.confused_count) /
                                             static_cast<double>(photo_count);
  return {title, fmt::format("{}", answers.confused_count),
          fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100 * rate, 100 * interval.low,
                      100 * interval.high),
          fmt::format("{}", answers.misnamed_count), fmt::format("{}", answers.recognized_count)};
}

}  // namespace

std::string head_trial_text(const gallery::HeadTrial& trial) {
  constexpr auto kRight = Alignment::Right;
  Table table({{""},
               {"confused", kRight},
               {"of all (95 % interval)", kRight},
               {"named wrongly", kRight},
               {"recognized", kRight}});
  table.add_row(row("without the head", trial.without_head, trial.photo_count));
  if (trial.with_head) table.add_row(row("with the head", *trial.with_head, trial.photo_count));
  return fmt::format("{} photos of {} people, each held against the others in {} parts\n{}",
                     trial.photo_count, trial.person_count, trial.fold_count, table.to_text(2));
}

}  // namespace faceforge::cli
