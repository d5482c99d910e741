#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/json.h"
#include "base/result.h"

namespace faceforge::http {

/// What became of one of the things that a request named.
struct Outcome {
  json::object json{};
  bool is_taken = false;  ///< nothing else has changed anything
};

/// What became of them all, in their order.
struct Outcomes {
  json::array results{};
  int64_t taken_count = 0;
};

/// Takes things one after the other. With nothing taken yet a failure is that of the whole request;
/// later on the client must learn what was taken, so that it stands beside each that was not.
///
/// in:    `take` takes the thing of an index, or says why it was refused; `failed` writes a failure
/// fails: as `take`, with nothing taken
[[nodiscard]] Result<Outcomes> take_one_by_one(
    size_t count, const std::function<Result<Outcome>(size_t index)>& take,
    const std::function<json::object(size_t index, const Error& failure)>& failed);

}  // namespace faceforge::http
