#include "recognition/internal/model_engines.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/without_throwing.h"

namespace faceforge::recognition::internal {
namespace {

/// More models than any database names: beyond, what is known of them is forgotten.
constexpr size_t kMaxModels = 64;

/// Of no engines: a model that no version has.
const face::ModelId& model_of(const Engines& engines) {
  static const face::ModelId kNone;
  return engines.one_core ? engines.one_core->model_id() : kNone;
}

/// Whether loading a pack may go well the next time, with the pack as it is.
bool passes(const Error& error) {
  switch (error.code) {
    case ErrorCode::Corrupt:
    case ErrorCode::Unsupported:
    case ErrorCode::InvalidInput:
    case ErrorCode::TooLarge:
      return false;
    default:
      return true;
  }
}

/// in: the seconds stand first, where `Retry-After` is read from
Unexpected unavailable(int64_t wait_ms, std::string_view why) {
  constexpr int64_t kSecond_ms = 1'000;
  return fail(ErrorCode::Busy, "pack_unavailable", "try again in {} s: {}",
              std::max<int64_t>(1, (wait_ms + kSecond_ms - 1) / kSecond_ms), why);
}

Unexpected still_loading() {
  return unavailable(ModelEngines::kTryAgain_ms,
                     "the pack that the gallery was trained with is being loaded");
}

}  // namespace

ModelEngines::ModelEngines(Engines in_use, LoadEngines load, const Clock& clock,
                           const Limits& limits)
    : load_(std::move(load)), clock_(clock), limits_(limits), in_use_(std::move(in_use)) {}

Engines ModelEngines::in_use() const {
  const std::scoped_lock lock(mutex_);
  return in_use_;
}

std::vector<Engines> ModelEngines::others() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Engines> all;
  for (const Held& held : others_) all.push_back(held.engines);
  return all;
}

std::shared_ptr<const FaceEngine> ModelEngines::find(const face::ModelId& model) const {
  const std::scoped_lock lock(mutex_);
  if (model_of(in_use_) == model) return in_use_.one_core;
  const auto found = std::ranges::find(
      others_, model, [](const Held& held) -> const auto& { return model_of(held.engines); });
  return found == others_.end() ? nullptr : found->engines.one_core;
}

void ModelEngines::use(Engines engines) {
  std::list<Held> let_go;
  const std::scoped_lock lock(mutex_);
  const auto is_same = [&](const Held& held) {
    return model_of(held.engines) == model_of(engines);
  };
  const auto same = std::ranges::find_if(others_, is_same);
  if (same != others_.end()) let_go.splice(let_go.end(), others_, same);
  failed_.erase(model_of(engines));
  std::swap(in_use_, engines);
  if (!engines.one_core) return;
  if (model_of(engines) == model_of(in_use_)) {
    let_go.push_back({.engines = std::move(engines)});
  } else {
    let_go.splice(let_go.end(), keep(std::move(engines)));
  }
}

void ModelEngines::need(std::span<const gallery::AnsweringPack> packs) {
  std::list<Held> let_go;
  const std::scoped_lock lock(mutex_);
  packs = packs.first(std::min(packs.size(), kMaxModels));
  answering_.clear();
  for (const gallery::AnsweringPack& pack : packs) answering_.insert(pack.model_id);
  for (auto held = others_.begin(); held != others_.end();) {
    const auto next = std::next(held);
    const bool may_go = !is_within(held->asked_ms, kStay_ms);
    if (may_go && !answering_.contains(model_of(held->engines))) {
      let_go.splice(let_go.end(), others_, held);
    }
    held = next;
  }
  let_go.splice(let_go.end(), drop_beyond_limits());
  for (const gallery::AnsweringPack& pack : packs) {
    if (is_held(pack.model_id) || recent_failure(pack.model_id) != nullptr) continue;
    // Those that find no place are loaded when they are asked for.
    if (count_of_kind(Kind::Answering, HeldSince::Ever) >= places_of(Kind::Answering)) return;
    if (!want({.model = pack.model_id, .pack_id = pack.pack_id})) return;
  }
}

Result<Engines> ModelEngines::engines_of(const gallery::Snapshot& version, VersionChoice choice,
                                         const std::stop_token& abandoned) {
  std::unique_lock lock(mutex_);
  auto found = TRY(ask(version, choice));
  if (found) return *std::move(found);
  if (waiting_ >= limits_.waiting) return still_loading();
  ++waiting_;
  loaded_.wait_for(lock, abandoned, limits_.wait, [&] { return !is_wanted(version.model_id()); });
  --waiting_;
  if (abandoned.stop_requested()) {
    return fail(ErrorCode::Cancelled, "request_abandoned", "nobody waits for the answer any more");
  }
  found = TRY(ask(version, choice));
  if (found) return *std::move(found);
  return still_loading();
}

Result<Engines> ModelEngines::engines_at_once(const gallery::Snapshot& version) {
  const std::scoped_lock lock(mutex_);
  auto found = TRY(ask(version, VersionChoice::InUse));
  if (found) return *std::move(found);
  return still_loading();
}

/// The engines of a version where they are there; else has them loaded.
Result<std::optional<Engines>> ModelEngines::ask(const gallery::Snapshot& version,
                                                 VersionChoice choice) {
  const face::ModelId& model = version.model_id();
  if (choice == VersionChoice::InUse && answering_.size() < kMaxModels) answering_.insert(model);
  if (auto found = look_up(model)) return found;
  if (is_wanted(model)) return std::nullopt;
  if (!load_) return mismatch(version);
  if (const Failure* failure = recent_failure(model)) {
    if (!failure->passes) return mismatch(version);
    return unavailable(kTryAgain_ms, "the pack that the gallery was trained with cannot be loaded");
  }
  TRY(want({.model = model, .pack_id = version.pack_id()}));
  return std::nullopt;
}

Result<void> ModelEngines::want(Wanted wanted) {
  if (!load_ || is_wanted(wanted.model)) return {};
  if (!has_place(wanted.model)) {
    return unavailable(kStay_ms, "other packs that were just loaded need the room");
  }
  if (!loader_.joinable()) {
    try {
      loader_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    } catch (const std::system_error&) {
      return unavailable(kTryAgain_ms, "the system has no thread left to load a pack");
    }
  }
  wanted_.push_back(std::move(wanted));
  work_.notify_one();
  return {};
}

void ModelEngines::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (work_.wait(lock, stop, [&] { return !wanted_.empty(); }) && !stop.stop_requested()) {
    const Wanted next = wanted_.front();
    lock.unlock();
    Loaded loaded = load(next);
    lock.lock();
    std::list<Held> let_go = take(next, std::move(loaded));
    wanted_.pop_front();
    loaded_.notify_all();
    lock.unlock();
    let_go.clear();
    lock.lock();
  }
}

ModelEngines::Loaded ModelEngines::load(const Wanted& wanted) const {
  auto loaded = without_throwing([&] { return load_(wanted.model, wanted.pack_id); });
  // A pack may be replaced while it is loaded.
  if (loaded && *loaded && model_of(**loaded) != wanted.model) return std::nullopt;
  return loaded;
}

std::list<ModelEngines::Held> ModelEngines::take(const Wanted& wanted, Loaded loaded) {
  if (!loaded || !*loaded) {
    if (!is_held(wanted.model)) remember_failure(wanted.model, loaded);
    return {};
  }
  if (!is_held(wanted.model)) {
    failed_.erase(wanted.model);
    return keep(**std::move(loaded));
  }
  std::list<Held> let_go;  // its pack was taken into use meanwhile
  let_go.push_back({.engines = **std::move(loaded)});
  return let_go;
}

void ModelEngines::remember_failure(const face::ModelId& model, const Loaded& loaded) {
  if (failed_.size() >= kMaxModels) failed_.clear();
  Failure& failure = failed_[model];
  failure.at_ms = clock_.now_ms();
  failure.passes = !loaded && passes(loaded.error());
  const std::string told = loaded ? "no pack of this machine makes it" : loaded.error().message;
  if (std::exchange(failure.told, told) == told) return;
  log::warning("the pack of model {:.12}, with which galleries were trained, cannot be used: {}",
               model.hex(), told);
}

const ModelEngines::Failure* ModelEngines::recent_failure(const face::ModelId& model) const {
  const auto failed = failed_.find(model);
  if (failed == failed_.end()) return nullptr;
  const int64_t span_ms = failed->second.passes ? kTryAgain_ms : kLookAgain_ms;
  return is_within(failed->second.at_ms, span_ms) ? &failed->second : nullptr;
}

Unexpected ModelEngines::mismatch(const gallery::Snapshot& version) const {
  return fail(ErrorCode::Conflict, "model_mismatch",
              "the gallery was trained with model {:.12} (pack {}), of which no pack can be used "
              "here; model {:.12} (pack {}) is in use: train the gallery again, or install that "
              "pack",
              version.model_id().hex(), version.pack_id(), model_of(in_use_).hex(),
              in_use_.one_core ? in_use_.one_core->pack_id() : "none");
}

std::optional<Engines> ModelEngines::look_up(const face::ModelId& model) {
  if (model_of(in_use_) == model) return in_use_;
  const auto is_of_model = [&](const Held& held) { return model_of(held.engines) == model; };
  const auto found = std::ranges::find_if(others_, is_of_model);
  if (found == others_.end()) return std::nullopt;
  others_.splice(others_.begin(), others_, found);
  found->asked_ms = clock_.now_ms();
  return found->engines;
}

bool ModelEngines::is_wanted(const face::ModelId& model) const {
  return std::ranges::find(wanted_, model, &Wanted::model) != wanted_.end();
}

/// Whether the engines of a model are there. Nobody asks for them by that: they do not stay longer.
bool ModelEngines::is_held(const face::ModelId& model) const {
  return model_of(in_use_) == model || std::ranges::any_of(others_, [&](const Held& held) {
           return model_of(held.engines) == model;
         });
}

ModelEngines::Kind ModelEngines::kind_of(const face::ModelId& model) const {
  return answering_.contains(model) ? Kind::Answering : Kind::Named;
}

/// How many of a kind are coming or are held, all of them or those that were loaded just before.
size_t ModelEngines::count_of_kind(Kind kind, HeldSince since) const {
  const auto held = std::ranges::count_if(others_, [&](const Held& other) {
    return kind_of(model_of(other.engines)) == kind &&
           (since == HeldSince::Ever || is_within(other.since_ms, kStay_ms));
  });
  const auto coming = std::ranges::count_if(
      wanted_, [&](const Wanted& other) { return kind_of(other.model) == kind; });
  return static_cast<size_t>(held + coming);
}

/// Whether a model that is loaded now pushes out none of its kind that was loaded just before.
bool ModelEngines::has_place(const face::ModelId& model) const {
  const Kind kind = kind_of(model);
  return count_of_kind(kind, HeldSince::JustBefore) < places_of(kind);
}

/// Whether less than a span has passed since a time; a wall clock may be put back.
bool ModelEngines::is_within(UnixTime_ms time_ms, int64_t span_ms) const {
  const int64_t since_ms = clock_.now_ms() - time_ms;
  return since_ms >= 0 && since_ms < span_ms;
}

std::list<ModelEngines::Held> ModelEngines::keep(Engines engines) {
  const UnixTime_ms now_ms = clock_.now_ms();
  others_.push_front({.engines = std::move(engines), .since_ms = now_ms, .asked_ms = now_ms});
  return drop_beyond_limits();
}

std::list<ModelEngines::Held> ModelEngines::drop_beyond_limits() {
  std::list<Held> let_go;
  for (const Kind kind : {Kind::Answering, Kind::Named}) {
    const auto is_of_kind = [&](const Held& held) {
      return kind_of(model_of(held.engines)) == kind;
    };
    const auto may_go = [&](const Held& held) {
      return is_of_kind(held) && !is_within(held.since_ms, kStay_ms);
    };
    while (std::cmp_greater(std::ranges::count_if(others_, is_of_kind), places_of(kind))) {
      auto from_last = std::ranges::find_if(others_.rbegin(), others_.rend(), may_go);
      if (from_last == others_.rend()) {
        from_last = std::ranges::find_if(others_.rbegin(), others_.rend(), is_of_kind);
      }
      let_go.splice(let_go.end(), others_, std::prev(from_last.base()));
    }
  }
  return let_go;
}

}  // namespace faceforge::recognition::internal
