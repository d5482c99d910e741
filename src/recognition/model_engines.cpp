#include "recognition/internal/model_engines.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/without_throwing.h"

namespace faceforge::recognition::internal {
namespace {

/// More models than any database names: beyond, what failed is tried again.
constexpr size_t kMaxFailed = 64;

/// Of no engines: a model that no version has.
const face::ModelId& model_of(const Engines& engines) {
  static const face::ModelId kNone;
  return engines.one_core ? engines.one_core->model_id() : kNone;
}

}  // namespace

ModelEngines::ModelEngines(Engines in_use, LoadEngines load, const Clock& clock)
    : load_(std::move(load)), clock_(clock), in_use_(std::move(in_use)) {}

Engines ModelEngines::in_use() const {
  const std::scoped_lock lock(mutex_);
  return in_use_;
}

void ModelEngines::use(Engines engines) {
  std::list<Engines> let_go;
  const std::scoped_lock lock(mutex_);
  const auto same = std::ranges::find(others_, model_of(engines), model_of);
  if (same != others_.end()) let_go.splice(let_go.end(), others_, same);
  failed_.erase(model_of(engines));
  std::swap(in_use_, engines);
  if (engines.one_core && model_of(engines) != model_of(in_use_)) {
    let_go.splice(let_go.end(), keep_locked(std::move(engines)));
  }
}

Result<Engines> ModelEngines::engines_of(const gallery::Snapshot& snapshot) {
  if (auto found = find_or_load(snapshot.model_id())) return *std::move(found);
  const Engines present = in_use();
  return fail(ErrorCode::Conflict, "model_mismatch",
              "the gallery was trained with model {:.12} (pack {}), of which no pack can be used "
              "here; model {:.12} (pack {}) is in use: train the gallery again, or install that "
              "pack",
              snapshot.model_id().hex(), snapshot.pack_id(), model_of(present).hex(),
              present.one_core ? present.one_core->pack_id() : "none");
}

std::optional<Engines> ModelEngines::find_or_load(const face::ModelId& model) {
  std::promise<std::optional<Engines>> promise;
  Outcome of_another;
  {
    const std::scoped_lock lock(mutex_);
    if (auto found = find_locked(model)) return found;
    if (failed_lately_locked(model)) return std::nullopt;
    const auto [place, is_first] = being_loaded_.try_emplace(model);
    if (is_first) {
      place->second = promise.get_future().share();
    } else {
      of_another = place->second;
    }
  }
  if (of_another.valid()) return of_another.get();
  auto loaded = load(model);
  std::list<Engines> let_go;
  {
    const std::scoped_lock lock(mutex_);
    being_loaded_.erase(model);
    if (auto found = find_locked(model)) {
      loaded = std::move(found);  // it was taken into use meanwhile
    } else if (loaded) {
      let_go = keep_locked(*loaded);
    } else {
      if (failed_.size() >= kMaxFailed) failed_.clear();
      failed_[model] = clock_.now_ms();
    }
  }
  promise.set_value(loaded);
  return loaded;
}

std::optional<Engines> ModelEngines::load(const face::ModelId& model) const {
  if (!load_) return std::nullopt;
  const auto loaded = without_throwing([&] { return load_(model); });
  if (!loaded) {
    log::warning("the pack of model {:.12}, with which galleries were trained, cannot be used: {}",
                 model.hex(), loaded.error().message);
    return std::nullopt;
  }
  // A pack may be replaced while it is loaded.
  if (*loaded && model_of(**loaded) != model) return std::nullopt;
  return *loaded;
}

std::optional<Engines> ModelEngines::find_locked(const face::ModelId& model) {
  if (model_of(in_use_) == model) return in_use_;
  const auto found = std::ranges::find(others_, model, model_of);
  if (found == others_.end()) return std::nullopt;
  others_.splice(others_.begin(), others_, found);
  return *found;
}

bool ModelEngines::failed_lately_locked(const face::ModelId& model) const {
  const auto failed = failed_.find(model);
  if (failed == failed_.end()) return false;
  const int64_t since_ms = clock_.now_ms() - failed->second;
  return since_ms >= 0 && since_ms < kTryAgain_ms;  // a wall clock may be put back
}

std::list<Engines> ModelEngines::keep_locked(Engines engines) {
  others_.push_front(std::move(engines));
  std::list<Engines> let_go;
  while (others_.size() > kMaxOthers) {
    let_go.splice(let_go.end(), others_, std::prev(others_.end()));
  }
  return let_go;
}

}  // namespace faceforge::recognition::internal
