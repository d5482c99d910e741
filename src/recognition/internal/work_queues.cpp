#include "recognition/internal/work_queues.h"

#include <algorithm>

namespace faceforge::recognition::internal {

void WorkQueues::add(Work& work, SteadyTime now) {
  Queue& queue = of(work.step ? steps_ : faces_, work.urgency);
  // Who came first gets done first; faces may go together in any order.
  const auto place =
      work.step ? std::ranges::upper_bound(queue, work.request_begin, {}, &Work::request_begin)
                : queue.end();
  queue.insert(place, &work);
  work.since = now;
  work.is_queued = true;
}

void WorkQueues::withdraw(Work& work) {
  if (!work.is_queued) return;
  std::erase(of(work.step ? steps_ : faces_, work.urgency), &work);
  work.is_queued = false;
}

Work* WorkQueues::withdraw_any() {
  for (ByUrgency<Queue>* queues : {&steps_, &faces_}) {
    for (Queue& queue : *queues) {
      if (queue.empty()) continue;
      Work* first = queue.front();
      withdraw(*first);
      return first;
    }
  }
  return nullptr;
}

size_t WorkQueues::waiting_count() const {
  size_t count = 0;
  for (const Urgency urgency : {Urgency::Live, Urgency::Background}) {
    count += of(steps_, urgency).size() + of(faces_, urgency).size();
  }
  return count;
}

bool WorkQueues::waits(Urgency urgency) const {
  return !of(steps_, urgency).empty() || !of(faces_, urgency).empty();
}

bool WorkQueues::is_turn_of_background() const {
  return live_steps_in_a_row_ >= kLiveStepsInARow && waits(Urgency::Background);
}

std::optional<Assignment> WorkQueues::take(size_t busy_cores, bool is_alone, SteadyTime now) {
  const auto core_count = static_cast<size_t>(options_.core_count);
  const Cores cores{.free_count = core_count - busy_cores, .all_for_one = is_alone};
  const bool background_may = background_cores_ < std::max<size_t>(1, core_count / 2);
  if (background_may && is_turn_of_background()) {
    if (auto taken = take_of(Urgency::Background, cores, now)) return taken;
  }
  if (auto taken = take_of(Urgency::Live, cores, now)) return taken;
  // Live faces that wait for company want this core in a moment.
  if (!background_may || !of(faces_, Urgency::Live).empty()) return std::nullopt;
  return take_of(Urgency::Background, cores, now);
}

std::optional<Assignment> WorkQueues::take_of(Urgency urgency, const Cores& cores, SteadyTime now) {
  // Faces first: they bring a request to its end.
  auto taken = take_faces(urgency, cores, now);
  if (!taken) taken = take_step(urgency, cores);
  if (!taken) return std::nullopt;
  taken->urgency = urgency;
  for (const Assignment::Slice& slice : taken->slices()) ++slice.work->busy_cores;
  if (urgency == Urgency::Background) {
    ++background_cores_;
    live_steps_in_a_row_ = 0;
  } else {
    ++live_steps_in_a_row_;
  }
  return taken;
}

std::optional<Assignment> WorkQueues::take_step(Urgency urgency, const Cores& cores) {
  Queue& queue = of(steps_, urgency);
  // A photo that does not fit lets others pass that need no room: they are what makes some.
  const auto fitting = std::ranges::find_if(queue, [this](const Work* work) {
    return work->photo_bytes == 0 || photo_bytes_ == 0 ||
           photo_bytes_ + work->photo_bytes <= options_.photo_bytes;
  });
  if (fitting == queue.end()) return std::nullopt;
  Work& work = **fitting;
  queue.erase(fitting);
  work.is_queued = false;
  photo_bytes_ += work.photo_bytes;
  Assignment assignment;
  assignment.all[0] = {.work = &work};
  assignment.slice_count = 1;
  assignment.engine = (cores.all_for_one ? work.engines->all_cores : work.engines->one_core).get();
  return assignment;
}

std::optional<Assignment> WorkQueues::take_faces(Urgency urgency, const Cores& cores,
                                                 SteadyTime now) {
  Queue& queue = of(faces_, urgency);
  if (queue.empty()) return std::nullopt;
  const Engines& engines = *queue.front()->engines;
  const auto left_of = [](const Work& work) { return work.faces.size() - work.taken_faces; };
  Assignment assignment;
  size_t face_count = 0;
  for (Work* work : queue) {
    // Faces of another pack are another batch.
    if (work->engines->one_core != engines.one_core) continue;
    face_count += left_of(*work);
    if (assignment.slice_count == Assignment::kMaxFaces) continue;
    assignment.all[assignment.slice_count++] = {.work = work, .first = work->taken_faces};
  }
  const size_t limit = cores.all_for_one ? Assignment::kMaxFaces : kFacesPerCore;
  const bool gathered = face_count >= limit || of(expected_, urgency) == 0 ||
                        now >= queue.front()->since + options_.gathering;
  if (!gathered) return std::nullopt;
  // The free cores share what waits.
  const size_t sharers = cores.all_for_one ? 1 : cores.free_count;
  size_t places = std::min(limit, (face_count + sharers - 1) / sharers);
  // One face of each request in turn: a crowd takes no more than its share of a batch.
  const std::span<Assignment::Slice> candidates = assignment.slices();
  while (places > 0) {
    for (Assignment::Slice& slice : candidates) {
      if (places == 0 || slice.count == left_of(*slice.work)) continue;
      ++slice.count;
      --places;
    }
  }
  const auto without_face = [](const Assignment::Slice& slice) { return slice.count == 0; };
  const auto unused = std::ranges::remove_if(candidates, without_face);
  assignment.slice_count -= unused.size();
  for (const Assignment::Slice& slice : assignment.slices()) {
    slice.work->taken_faces += slice.count;
    if (left_of(*slice.work) == 0) withdraw(*slice.work);
  }
  assignment.engine = (cores.all_for_one ? engines.all_cores : engines.one_core).get();
  return assignment;
}

void WorkQueues::finish(Assignment& assignment) {
  if (assignment.urgency == Urgency::Background) --background_cores_;
  for (Assignment::Slice& slice : assignment.slices()) {
    --slice.work->busy_cores;
    if (!slice.error) continue;
    // The rest of it would be for nothing.
    withdraw(*slice.work);
    if (!slice.work->error) slice.work->error = std::move(slice.error);
  }
}

std::optional<SteadyTime> WorkQueues::end_of_gathering(SteadyTime now) const {
  std::optional<SteadyTime> end;
  for (const Queue& queue : faces_) {
    if (queue.empty()) continue;
    const SteadyTime own = queue.front()->since + options_.gathering;
    if (own > now) end = std::min(end.value_or(own), own);
  }
  return end;
}

}  // namespace faceforge::recognition::internal
