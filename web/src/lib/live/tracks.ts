import type { BoundingBox } from '../api';
import type { LiveResult, WatchedFace } from './messages';

/** A face, and where it is drawn: in pixels of the frames that the server saw. */
export interface DrawnFace {
  face: WatchedFace;
  box: BoundingBox;
}

interface Track {
  face: WatchedFace;
  /** When the frame was captured in which the last result saw it. */
  seen_ms: number;
  /** What the box is drawn beside its place, from a result that corrected it; it goes away by and by. */
  lag: BoundingBox;
  drawn: BoundingBox;
}

/** Farther than this a velocity is not trusted. */
const foresight_ms = 400;
const goneAfter_ms = 700;
/** In which time most of a correction is made. */
const glide_ms = 60;

/** Where a face should be some time after it was seen, by how it moved then. */
export function boxAfter(box: BoundingBox, velocity: WatchedFace['velocity'], age_ms: number): BoundingBox {
  const seconds = Math.max(0, Math.min(age_ms, foresight_ms)) / 1000;
  const width = Math.max(1, box.width + velocity.width * seconds);
  const height = Math.max(1, box.height + velocity.height * seconds);
  const x = box.x + box.width / 2 + velocity.x * seconds;
  const y = box.y + box.height / 2 + velocity.y * seconds;
  return { x: x - width / 2, y: y - height / 2, width, height };
}

const combined = (a: BoundingBox, share: number, b: BoundingBox): BoundingBox => ({
  x: a.x + share * b.x,
  y: a.y + share * b.y,
  width: a.width + share * b.width,
  height: a.height + share * b.height,
});

/** The faces of a stream between its results. All times are of one clock: when frames were captured. */
export class Tracks {
  #tracks = new Map<number, Track>();
  #now_ms = 0;

  /** Takes the result of a frame that was captured at `seen_ms`. */
  take(result: LiveResult, seen_ms: number) {
    const seen = new Set(result.faces.map((face) => face.track_id));
    for (const id of this.#tracks.keys()) if (!seen.has(id)) this.#tracks.delete(id);
    for (const face of result.faces) {
      const place = boxAfter(face.box, face.velocity, this.#now_ms - seen_ms);
      // A box that was drawn stays where it is for now; a new one is where it belongs.
      const drawn = this.#tracks.get(face.track_id)?.drawn ?? place;
      this.#tracks.set(face.track_id, { face, seen_ms, lag: combined(drawn, -1, place), drawn });
    }
  }

  clear() {
    this.#tracks.clear();
  }

  /** The faces as they are drawn over the frame that was captured at `now_ms`; what was not seen for long is gone. */
  at(now_ms: number): DrawnFace[] {
    const left = Math.exp(-Math.max(0, now_ms - this.#now_ms) / glide_ms);
    this.#now_ms = now_ms;
    for (const [id, track] of this.#tracks) {
      const age_ms = now_ms - track.seen_ms;
      if (age_ms > goneAfter_ms) {
        this.#tracks.delete(id);
        continue;
      }
      track.lag = combined({ x: 0, y: 0, width: 0, height: 0 }, left, track.lag);
      track.drawn = combined(boxAfter(track.face.box, track.face.velocity, age_ms), 1, track.lag);
    }
    return [...this.#tracks.values()].map(({ face, drawn }) => ({ face, box: drawn }));
  }
}
