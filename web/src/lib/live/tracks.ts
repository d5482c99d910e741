import type { BoundingBox } from '../api';
import type { LiveResult, WatchedFace } from './messages';

/** A face as it is drawn: it glides to where it should be by now. */
export interface Track {
  face: WatchedFace;
  /** Where the last result saw it, and when that frame was captured. */
  seen: BoundingBox;
  seen_ms: number;
  /** Where it is drawn. */
  drawn: BoundingBox;
}

/** Farther than this a velocity is not trusted. */
const foresight_ms = 400;
const goneAfter_ms = 700;
/** In which time a box makes up most of what it is away from its place. */
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

/** The faces of a stream between its results. */
export class Tracks {
  #tracks = new Map<number, Track>();

  take(result: LiveResult, at_ms: number) {
    const seen = new Set(result.faces.map((face) => face.track_id));
    for (const id of this.#tracks.keys()) if (!seen.has(id)) this.#tracks.delete(id);
    for (const face of result.faces) {
      const drawn = this.#tracks.get(face.track_id)?.drawn ?? face.box;
      this.#tracks.set(face.track_id, { face, seen: face.box, seen_ms: at_ms, drawn });
    }
  }

  clear() {
    this.#tracks.clear();
  }

  /** Moves every box on to where it should be, and gives the faces to draw; what was not seen for long is gone. */
  advance(now_ms: number, elapsed_ms: number): Track[] {
    const step = 1 - Math.exp(-elapsed_ms / glide_ms);
    for (const [id, track] of this.#tracks) {
      const age_ms = now_ms - track.seen_ms;
      if (age_ms > goneAfter_ms) {
        this.#tracks.delete(id);
        continue;
      }
      const target = boxAfter(track.seen, track.face.velocity, age_ms);
      const { drawn } = track;
      const towards = (from: number, to: number) => from + step * (to - from);
      track.drawn = {
        x: towards(drawn.x, target.x),
        y: towards(drawn.y, target.y),
        width: towards(drawn.width, target.width),
        height: towards(drawn.height, target.height),
      };
    }
    return [...this.#tracks.values()];
  }
}
