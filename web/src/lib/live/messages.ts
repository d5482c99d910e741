import type { ApiError, BoundingBox, IdentifyReport } from '../api';

/** A face that is followed through the frames. */
export interface WatchedFace {
  box: BoundingBox;
  track_id: number;
  /** Of the box, in pixels a second: of its centre, and of its size. */
  velocity: { x: number; y: number; width: number; height: number };
  decision: 'undecided' | 'match' | 'ambiguous' | 'unknown';
  person: string | null;
  similarity: number | null;
  too_small: boolean;
  candidates: IdentifyReport['faces'][number]['candidates'];
}

export interface LiveResult {
  type: 'result';
  frame_id: number;
  width_px: number;
  height_px: number;
  match_threshold: number;
  faces: WatchedFace[];
  times: { total_ms: number };
  received_count: number;
  dropped_count: number;
}

export type LiveMessage =
  | { type: 'ready'; version: number }
  | LiveResult
  | { type: 'error'; frame_id: number; error: ApiError };

const idBytes = 4;

/** What is sent of a frame: its id, big-endian, and the picture behind it. */
export async function frameMessage(frameId: number, picture: Blob): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(idBytes + picture.size);
  new DataView(bytes.buffer).setUint32(0, frameId);
  bytes.set(new Uint8Array(await picture.arrayBuffer()), idBytes);
  return bytes.buffer;
}
