#include "cli/pack_upkeep.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/without_throwing.h"
#include "packs/card.h"

namespace faceforge::cli {
namespace {

/// A pack that could not be taken up may have been repaired by then.
constexpr std::chrono::minutes kTryRefusedAgainAfter{10};

Result<recognition::Engines> load_engines(const packs::Registry& registry,
                                          const std::string& pack_id, int core_count) {
  const vision::PipelineSpec spec = TRY(registry.open(pack_id));
  return recognition::make_engines(TRY(vision::Pipeline::load(spec)), core_count);
}

/// The model of a pack that is here; where its card does not know the hashes of its files, they are
/// read.
Result<face::ModelId> model_of(const packs::Registry& registry, const packs::PackEntry& entry) {
  if (auto known = packs::model_id(entry.card)) return *std::move(known);
  return TRY(registry.open(entry.card.id)).model_id;
}

}  // namespace

recognition::LoadEngines engines_among(const packs::Registry& registry, int core_count) {
  return [&registry, core_count](
             const face::ModelId& model,
             const std::string& pack_id) -> Result<std::optional<recognition::Engines>> {
    Result<std::optional<recognition::Engines>> outcome = std::nullopt;
    auto entries = TRY(registry.list());
    // Of one model, the pack that trained the version finds the faces as it did then.
    std::ranges::stable_partition(entries,
                                  [&](const auto& entry) { return entry.card.id == pack_id; });
    for (const packs::PackEntry& entry : entries) {
      if (entry.state == packs::PackState::NotInstalled || entry.fault) continue;
      const auto made = model_of(registry, entry);
      if (!made) outcome = Unexpected(made.error());
      if (!made || *made != model) continue;
      // Another pack may have the same network, and be whole.
      auto loaded = load_engines(registry, entry.card.id, core_count);
      if (loaded) return *std::move(loaded);
      outcome = Unexpected(std::move(loaded).error());
    }
    return outcome;
  };
}

void PackUpkeep::run(const recognition::Engines& in_use, const std::stop_token& stop) {
  prepare(in_use, stop);
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (parts_.served == ServedPack::Default) look_at_default(stop);
    const auto next_look = std::chrono::steady_clock::now() + kLookEvery;
    while (catch_up(stop) == recognition::CatchUp::State::AtWork &&
           std::chrono::steady_clock::now() < next_look) {
      if (never.wait_for(lock, stop, kFollowEvery, [&] { return stop.stop_requested(); })) return;
    }
    never.wait_until(lock, stop, next_look, [] { return false; });
  }
}

void PackUpkeep::look_at_default(const std::stop_token& stop) {
  const auto entry = without_throwing([&] { return parts_.registry.default_pack(); });
  if (!entry) {
    if (std::exchange(last_trouble_, entry.error().message) != entry.error().message) {
      log::warning("the default pack cannot be told, the one in use stays: {}",
                   entry.error().message);
    }
    return;
  }
  last_trouble_.clear();
  const Identity next{.pack_id = entry->card.id,
                      .model_id = packs::model_id(entry->card).value_or(face::ModelId())};
  const auto present = parts_.recognition.engine();
  const bool same_model = next.model_id.empty() || next.model_id == present->model_id();
  if (next.pack_id == present->pack_id() && same_model) {
    refused_.reset();
    return;
  }
  if (!is_here(present->pack_id())) return;
  const auto now = std::chrono::steady_clock::now();
  const bool was_refused = refused_ == next;
  if (was_refused && now < try_again_) return;
  const auto taken = without_throwing([&] { return take_up(next, stop); });
  if (taken || stop.stop_requested()) return;
  if (!was_refused) {
    log::warning("the pack {} is the default by now and cannot be taken up; {} goes on: {}",
                 next.pack_id, present->pack_id(), taken.error().message);
  }
  refused_ = next;
  try_again_ = now + kTryRefusedAgainAfter;
}

/// Whether a pack can be used. One that cannot is being replaced or read at a bad moment, or was
/// removed: that makes the next best one the default, and is nobody's wish to change over.
bool PackUpkeep::is_here(const std::string& pack_id) {
  const auto entry = without_throwing([&] { return parts_.registry.info(pack_id); });
  const bool is_here =
      entry && entry->state != packs::PackState::NotInstalled && !entry->fault.has_value();
  const std::string trouble =
      is_here ? "" : fmt::format("the pack in use, {}, is not here any more", pack_id);
  if (std::exchange(last_gone_, trouble) != trouble && !is_here) {
    log::warning("{}: it goes on, from memory, until it is back or the server is started anew",
                 trouble);
  }
  return is_here;
}

Result<void> PackUpkeep::take_up(const Identity& next, const std::stop_token& stop) {
  auto engines = TRY(load_engines(parts_.registry, next.pack_id, parts_.core_count));
  const bool decides_nothing =
      !engines.one_core->calibration() && parts_.recognition.engine()->calibration();
  if (decides_nothing) {
    return fail(ErrorCode::Conflict, "pack_not_calibrated",
                "it has no thresholds: `faceforge evaluate calibrate --write-card` measures them");
  }
  prepare(engines, stop);
  if (stop.stop_requested()) return {};
  parts_.recognition.use_engines(std::move(engines));
  log::info("the pack {} is in use from now on", next.pack_id);
  return {};
}

void PackUpkeep::prepare(const recognition::Engines& engines, const std::stop_token& stop) {
  const auto prepared = without_throwing([&] { return parts_.scheduler.prepare(engines, stop); });
  if (!prepared && prepared.error().code != ErrorCode::Cancelled) {
    log::warning("batches are compiled when they come: {}", prepared.error().message);
  }
}

recognition::CatchUp::State PackUpkeep::catch_up(const std::stop_token& stop) {
  const auto looked = without_throwing([&] { return catch_up_.look(stop); });
  const std::string trouble = looked ? "" : looked.error().message;
  if (std::exchange(last_lag_, trouble) != trouble && !looked) {
    log::warning("galleries of another pack are looked at later: {}", trouble);
  }
  return looked.value_or(recognition::CatchUp::State::Idle);
}

}  // namespace faceforge::cli
