#include "http/one_by_one.h"

#include <optional>
#include <utility>

namespace faceforge::http {

Result<Outcomes> take_one_by_one(
    size_t count, const std::function<Result<Outcome>(size_t index)>& take,
    const std::function<json::object(size_t index, const Error& failure)>& failed) {
  Outcomes outcomes;
  std::optional<Error> failure;
  for (size_t index = 0; index < count; ++index) {
    if (!failure) {
      auto outcome = take(index);
      if (outcome) {
        outcomes.taken_count += outcome->is_taken ? 1 : 0;
        outcomes.results.emplace_back(std::move(outcome->json));
        continue;
      }
      if (outcomes.taken_count == 0) return Unexpected(std::move(outcome).error());
      failure = std::move(outcome).error();
    }
    outcomes.results.emplace_back(failed(index, *failure));
  }
  return outcomes;
}

}  // namespace faceforge::http
