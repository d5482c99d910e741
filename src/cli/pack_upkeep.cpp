#include "cli/pack_upkeep.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "base/without_throwing.h"
#include "packs/card.h"

namespace faceforge::cli {
namespace {

Unexpected not_calibrated() {
  return fail(ErrorCode::Conflict, "pack_not_calibrated",
              "it has no thresholds: `faceforge evaluate calibrate --write-card` measures them");
}

const std::string& id_of(const packs::PackEntry& entry) {
  return entry.card.id;
}

}  // namespace

void PackUpkeep::run(const std::stop_token& stop) {
  hold_answering_packs();
  prepare(parts_.recognition.engines_in_use(), stop);
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    look(stop);
    const auto next_look = std::chrono::steady_clock::now() + kLookEvery;
    while (catch_up(stop) == recognition::CatchUp::State::AtWork &&
           std::chrono::steady_clock::now() < next_look) {
      if (never.wait_for(lock, stop, kFollowEvery, [&] { return stop.stop_requested(); })) return;
    }
    never.wait_until(lock, stop, next_look, [] { return false; });
  }
}

void PackUpkeep::look(const std::stop_token& stop) {
  if (parts_.served == ServedPack::Default) look_at_default(stop);
  prepare_former(stop);
}

void PackUpkeep::hold_answering_packs() {
  const auto held = without_throwing([&] { return parts_.recognition.hold_answering_packs(); });
  if (!held)
    log::warning("former packs are loaded when they are asked for: {}", held.error().message);
}

void PackUpkeep::look_at_default(const std::stop_token& stop) {
  const auto entries = without_throwing([&] { return parts_.packs.list(); });
  const std::string trouble = entries ? "" : entries.error().message;
  if (std::exchange(last_trouble_, trouble) != trouble && !entries) {
    log::warning("the default pack cannot be told, the one in use stays: {}", trouble);
  }
  if (!entries) return;
  const auto present = parts_.recognition.engine();
  // Of one list, so that a pack that is being replaced is not there and gone.
  if (!is_here(*entries, present->pack_id())) return;
  const auto entry =
      std::ranges::find(*entries, packs::DefaultMark::Default, &packs::PackEntry::default_mark);
  if (entry == entries->end()) return;
  const Identity next{.pack_id = entry->card.id,
                      .model_id = packs::model_id(entry->card).value_or(face::ModelId()),
                      .is_calibrated = entry->card.calibration.has_value()};
  const bool same_model = next.model_id.empty() || next.model_id == present->model_id();
  if (next.pack_id == present->pack_id() && same_model) {
    refused_.reset();
    return;
  }
  if (was_refused_lately(next)) return;
  const auto taken = without_throwing([&] { return take_up(next, stop); });
  if (taken || stop.stop_requested()) return;
  if (refused_ != next) {
    log::warning("the pack {} is the default by now and cannot be taken up; {} goes on: {}",
                 next.pack_id, present->pack_id(), taken.error().message);
  }
  refused_ = next;
  refused_ms_ = parts_.clock.now_ms();
}

bool PackUpkeep::was_refused_lately(const Identity& next) const {
  const int64_t since_ms = parts_.clock.now_ms() - refused_ms_;
  return refused_ == next && since_ms >= 0 && since_ms < kTryRefusedAgain_ms;
}

/// Whether a pack can be used. One that cannot is being replaced or read at a bad moment, or was
/// removed: that makes the next best one the default, and is nobody's wish to change over.
bool PackUpkeep::is_here(std::span<const packs::PackEntry> entries, const std::string& pack_id) {
  const auto entry = std::ranges::find(entries, pack_id, id_of);
  const bool is_here = entry != entries.end() && entry->state != packs::PackState::NotInstalled &&
                       !entry->fault.has_value();
  const std::string trouble =
      is_here ? "" : fmt::format("the pack in use, {}, is not here any more", pack_id);
  if (std::exchange(last_gone_, trouble) != trouble && !is_here) {
    log::warning("{}: it goes on, from memory, until it is back or the server is started anew",
                 trouble);
  }
  return is_here;
}

Result<void> PackUpkeep::take_up(const Identity& next, const std::stop_token& stop) {
  const bool needs_thresholds = parts_.recognition.engine()->calibration().has_value();
  // The card tells it before anything is loaded, unless what it has is of another model.
  if (needs_thresholds && !next.is_calibrated) return not_calibrated();
  auto engines = TRY(parts_.packs.load(next.pack_id));
  if (needs_thresholds && !engines.one_core->calibration()) return not_calibrated();
  prepare(engines, stop);
  if (stop.stop_requested()) return {};
  parts_.recognition.use_engines(std::move(engines));
  log::info("the pack {} is in use from now on", next.pack_id);
  return {};
}

void PackUpkeep::prepare(const recognition::Engines& engines, const std::stop_token& stop) {
  std::erase_if(prepared_, [](const auto& engine) { return engine.expired(); });
  prepared_.push_back(engines.one_core);
  const auto prepared = without_throwing([&] { return parts_.scheduler.prepare(engines, stop); });
  if (!prepared && prepared.error().code != ErrorCode::Cancelled) {
    log::warning("batches are compiled when they come: {}", prepared.error().message);
  }
}

void PackUpkeep::prepare_former(const std::stop_token& stop) {
  for (const recognition::Engines& former : parts_.recognition.former_engines()) {
    const auto is_same = [&](const auto& engine) { return engine.lock() == former.one_core; };
    if (std::ranges::none_of(prepared_, is_same)) prepare(former, stop);
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
