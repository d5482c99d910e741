import type { WatchedFace } from './messages';

/** Somebody who was seen, from when to when. */
export interface Sighting {
  id: number;
  /** Null for somebody unknown. */
  person: string | null;
  person_id: number | null;
  first_ms: number;
  last_ms: number;
  track_id: number;
}

const sameVisit_ms = 15_000;
export const sightingsMax = 200;

/** Who was seen when: in this browser only, and gone with the page. */
export class Sightings {
  list = $state<Sighting[]>([]);
  #next = 1;

  /** Notes the faces of a result; whoever was seen a moment ago is still the same visit. */
  take(faces: WatchedFace[], now_ms: number) {
    for (const face of faces) {
      if (face.decision !== 'match' && face.decision !== 'unknown') continue;
      const known = this.list.find(
        (one) =>
          now_ms - one.last_ms <= sameVisit_ms &&
          one.person === face.person &&
          (face.person !== null || one.track_id === face.track_id),
      );
      if (known) {
        known.last_ms = now_ms;
        continue;
      }
      this.list.unshift({
        id: this.#next++,
        person: face.person,
        person_id: face.person === null ? null : (face.candidates[0]?.person_id ?? null),
        first_ms: now_ms,
        last_ms: now_ms,
        track_id: face.track_id,
      });
      if (this.list.length > sightingsMax) this.list.pop();
    }
  }

  /** Tracks are numbered anew: nobody unknown is the one of before. */
  forgetTracks() {
    for (const one of this.list) one.track_id = 0;
  }

  clear() {
    this.list = [];
  }
}
